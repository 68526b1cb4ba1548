// What the business API asks of the database. SQL: sql/migrations/0008_businesses.sql, sql/queries.
#pragma once

#include "writes/operation.hpp"

namespace tenon::business {

struct Operations {
  Operations();
  writes::Operation create_business;
  writes::Operation update_business;
  writes::Operation delete_business;
  writes::Operation read_business;    // column: id
  writes::Operation list_businesses;  // columns: owner, company, category, status, state, city, limit, skip
};

}  // namespace tenon::business
