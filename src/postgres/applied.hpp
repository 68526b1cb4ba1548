// What a database says of its migrations, compared with what this program knows.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>

#include "postgres/migrations.hpp"
#include "postgres/session.hpp"

namespace tenon::postgres {

using Applied = std::map<std::pair<std::string, int>, std::string>;  // (set, number) to checksum

[[nodiscard]] bool has_migrations_table(Session& session);
[[nodiscard]] Applied read_applied(Session& session);
[[nodiscard]] std::string checksum_of(const Migration& migration);

// Throws std::logic_error unless each set counts 1, 2, 3, ... in order.
void require_well_numbered(std::span<const Migration> migrations);

// Why this program must not touch the database: it knows later migrations than we do, or has others under our numbers.
// Empty when there is no reason. Sets of which we know nothing are another program's business.
[[nodiscard]] std::string contradiction(const Applied& applied, std::span<const Migration> migrations);

}  // namespace tenon::postgres
