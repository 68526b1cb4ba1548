#include "inventory/operations.hpp"

#include "postgres/queries.hpp"

namespace tenon::inventory {

using postgres::Type;

Operations::Operations()
    : create_item(writes::registered_write("create_item")),
      update_item(writes::registered_write("update_item")),
      increment_stock(writes::registered_write("increment_stock")),
      decrement_stock{.name = "decrement_stock_atomic",
                      .kind = writes::Operation::Kind::write,
                      .statement = "SELECT * FROM decrement_stock_atomic($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                      .columns = {Type::uuid, Type::int4, Type::jsonb},
                      .signed_statement =
                          "SELECT * FROM decrement_stock_signed($1, $2, $3, $4, $5, $6, $7, $8, $9, "
                          "$10, $11, $12, $13, $14, $15)",
                      .batch_commands_max = limits::batch_commands_max},
      delete_item(writes::registered_write("delete_item")),
      create_order(writes::registered_write("create_order")),
      read_item(writes::read("read_item", postgres::queries::read_item, {Type::uuid})),
      list_items(writes::read_list("list_items", postgres::queries::list_items,
                                   {Type::text, Type::text, Type::uuid, Type::int4})) {}

}  // namespace tenon::inventory
