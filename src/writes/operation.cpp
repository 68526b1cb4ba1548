#include "writes/operation.hpp"

#include <cstring>

namespace tenon::writes {

Operation registered_write(std::string name) {
  std::string statement = "SELECT * FROM tenon.execute('" + name + "', $1, $2, $3, $4, $5, $6, $7, $8, $9)";
  return {.name = std::move(name),
          .kind = Operation::Kind::write,
          .statement = std::move(statement),
          .columns = {postgres::Type::jsonb},
          .batch_commands_max = limits::batch_commands_max};
}

std::uint64_t affinity_of(const Uuid& entity) noexcept {
  // The last half: of a version 7 id the first half is time, alike for all that were made together.
  std::uint64_t value = 0;
  std::memcpy(&value, entity.bytes.data() + 8, sizeof value);
  return value;
}

}  // namespace tenon::writes
