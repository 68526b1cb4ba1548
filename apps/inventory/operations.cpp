#include "inventory/operations.hpp"

#include "postgres/queries.hpp"

namespace tenon::inventory {
namespace {

using postgres::Type;
using writes::Operation;

Operation read(std::string name, std::string_view statement, std::vector<Type> columns,
               std::size_t batch_commands_max) {
  return {.name = std::move(name),
          .kind = Operation::Kind::read,
          .statement = std::string(statement),
          .columns = std::move(columns),
          .batch_commands_max = batch_commands_max};
}

}  // namespace

Operations::Operations()
    : create_item(writes::registered_write("create_item")),
      update_item(writes::registered_write("update_item")),
      increment_stock(writes::registered_write("increment_stock")),
      decrement_stock{.name = "decrement_stock_atomic",
                      .kind = Operation::Kind::write,
                      .statement = "SELECT * FROM decrement_stock_atomic($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                      .columns = {Type::uuid, Type::int4, Type::jsonb},
                      .batch_commands_max = limits::batch_commands_max},
      delete_item(writes::registered_write("delete_item")),
      create_order(writes::registered_write("create_order")),
      read_item(read("read_item", postgres::queries::read_item, {Type::uuid}, limits::batch_commands_max)),
      list_items(
          read("list_items", postgres::queries::list_items, {Type::text, Type::text, Type::uuid, Type::int4}, 1)),
      list_audit(read(
          "list_audit", postgres::queries::list_audit,
          {Type::int8, Type::uuid, Type::text, Type::text, Type::timestamptz, Type::timestamptz, Type::int4}, 1)) {}

}  // namespace tenon::inventory
