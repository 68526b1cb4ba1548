// What the crime API asks of the database. SQL: sql/migrations/0009 to 0013, sql/queries.
#pragma once

#include "writes/operation.hpp"

namespace tenon::crime {

struct Operations {
  Operations();
  writes::Operation create_facility;
  writes::Operation convert_facility;
  writes::Operation create_market_item;
  writes::Operation purchase_market_item;
  writes::Operation create_channel;
  writes::Operation put_legislation;
  writes::Operation list_facilities;    // columns: owner, after, limit
  writes::Operation read_market_item;   // column: id
  writes::Operation list_market_items;  // columns: category, status, seller, state, after, limit
  writes::Operation list_channels;      // columns: owner, after, limit
  writes::Operation list_legislation;   // columns: substance, state, status, after (substance), after (state), limit
};

}  // namespace tenon::crime
