// What the inventory asks of the database. SQL: sql/migrations/0005_inventory.sql, 0006_decrement_stock.sql,
// sql/queries.
#pragma once

#include "writes/operation.hpp"

namespace tenon::inventory {

struct Operations {
  Operations();
  writes::Operation create_item;
  writes::Operation update_item;
  writes::Operation increment_stock;
  writes::Operation decrement_stock;  // columns: item, quantity, precondition
  writes::Operation delete_item;
  writes::Operation create_order;
  writes::Operation read_item;   // column: id
  writes::Operation list_items;  // columns: search, origin, after, limit
};

}  // namespace tenon::inventory
