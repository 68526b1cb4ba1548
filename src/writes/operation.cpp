#include "writes/operation.hpp"

#include <cstring>

namespace tenon::writes {

Operation registered_write(std::string name) {
  std::string statement = "SELECT * FROM tenon.execute('" + name + "', $1, $2, $3, $4, $5, $6, $7, $8, $9)";
  std::string signed_statement =
      "SELECT * FROM tenon.execute_signed('" + name + "', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
  return {.name = std::move(name),
          .kind = Operation::Kind::write,
          .statement = std::move(statement),
          .columns = {postgres::Type::jsonb},
          .signed_statement = std::move(signed_statement),
          .batch_commands_max = limits::batch_commands_max};
}

Operation read(std::string name, std::string_view statement, std::vector<postgres::Type> columns) {
  return {.name = std::move(name),
          .kind = Operation::Kind::read,
          .statement = std::string(statement),
          .columns = std::move(columns),
          .batch_commands_max = limits::batch_commands_max};
}

Operation read_list(std::string name, std::string_view statement, std::vector<postgres::Type> columns) {
  Operation list = read(std::move(name), statement, std::move(columns));
  list.batch_commands_max = 1;
  return list;
}

std::uint64_t affinity_of(const Uuid& entity) noexcept {
  // The last half: of a version 7 id the first half is time, alike for all that were made together.
  std::uint64_t value = 0;
  std::memcpy(&value, entity.bytes.data() + 8, sizeof value);
  return value;
}

}  // namespace tenon::writes
