#include "postgres/applied.hpp"

#include <stdexcept>

#include "base/bytes.hpp"

namespace tenon::postgres {

bool has_migrations_table(Session& session) {
  return session.execute("SELECT FROM pg_tables WHERE schemaname = 'tenon' AND tablename = 'migrations'").size() > 0;
}

Applied read_applied(Session& session) {
  const Rows rows = session.execute("SELECT set, number, checksum FROM tenon.migrations");
  Applied applied;
  for (int row = 0; row < rows.size(); ++row) {
    applied[{rows.text(row, 0), std::stoi(rows.text(row, 1))}] = rows.text(row, 2);
  }
  return applied;
}

std::string checksum_of(const Migration& migration) { return hex(sha256(migration.sql)); }

void require_well_numbered(std::span<const Migration> migrations) {
  std::map<std::string, int> last;
  for (const Migration& migration : migrations) {
    if (++last[migration.set] != migration.number) {
      throw std::logic_error("migration " + migration.set + " " + std::to_string(migration.number) +
                             ": the numbers of a set are 1, 2, 3, ... in order");
    }
  }
}

std::string contradiction(const Applied& applied, std::span<const Migration> migrations) {
  std::map<std::string, int> last;
  for (const Migration& migration : migrations) {
    last[migration.set] = migration.number;
    const auto found = applied.find({migration.set, migration.number});
    if (found != applied.end() && found->second != checksum_of(migration)) {
      return "migration " + migration.set + " " + std::to_string(migration.number) + " (" + migration.name +
             ") was applied to this database with another text: this program was not made for it";
    }
  }
  for (const auto& [key, checksum] : applied) {
    const auto& [set, number] = key;
    if (last.contains(set) && number > last[set]) {
      return "the database has migration " + set + " " + std::to_string(number) +
             " and this program knows only up to " + std::to_string(last[set]) + ": run a newer program";
    }
  }
  return "";
}

}  // namespace tenon::postgres
