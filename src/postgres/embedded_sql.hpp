// What cmake/embed_sql.cmake makes of sql/migrations.
#pragma once

#include <span>
#include <string_view>

namespace tenon::postgres {

struct EmbeddedMigration {
  int number;
  std::string_view name;
  std::string_view sql;
};

// In the order of their numbers.
[[nodiscard]] std::span<const EmbeddedMigration> embedded_sql_migrations() noexcept;

}  // namespace tenon::postgres
