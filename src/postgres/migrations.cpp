#include "postgres/migrations.hpp"

#include <map>
#include <stdexcept>

#include "base/bytes.hpp"
#include "postgres/applied.hpp"
#include "postgres/embedded_sql.hpp"
#include "postgres/session.hpp"

namespace tenon::postgres {
namespace {

// Any number will do as long as it never changes: every node of every version takes this lock.
constexpr const char* advisory_lock = "7310592814605218931";

constexpr const char* bootstrap =
    "CREATE SCHEMA IF NOT EXISTS tenon;"
    "CREATE TABLE IF NOT EXISTS tenon.migrations ("
    " set text, number int, name text NOT NULL, checksum text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (set, number))";

std::string title_of(const Migration& migration) {
  return migration.set + " " + std::to_string(migration.number) + " (" + migration.name + ")";
}

void take_lock(Session& session) {
  session.script(
      "SET lock_timeout = '60s'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
      "SET client_min_messages = warning");
  try {
    session.execute("SELECT pg_advisory_lock(" + std::string(advisory_lock) + ")");
  } catch (const StatementError& error) {
    if (error.sqlstate() != "55P03") throw;
    throw std::runtime_error(
        "another node has been migrating this database for more than 60 s: wait for it, or end it");
  }
}

// The first migration makes the roles and gives what stands already to tenon_owner; before that there is no such role.
bool belongs_to_tenon_owner(Session& session) {
  return session
             .execute(
                 "SELECT FROM pg_tables WHERE schemaname = 'tenon' AND tablename = 'migrations' "
                 "AND tableowner = 'tenon_owner'")
             .size() > 0;
}

std::string transaction_of(Session& session) { return session.execute("SELECT pg_current_xact_id()").text(0, 0); }

void apply(Session& session, const Migration& migration) {
  const bool as_owner = belongs_to_tenon_owner(session);
  session.script("BEGIN; SET LOCAL search_path = public");
  if (as_owner) session.script("SET LOCAL ROLE tenon_owner");
  const std::string transaction = transaction_of(session);
  session.script(migration.sql);
  if (session.transaction_status() != PQTRANS_INTRANS || transaction_of(session) != transaction) {
    throw std::runtime_error("it ended the transaction that it is run in");
  }
  session.execute("INSERT INTO tenon.migrations (set, number, name, checksum) VALUES ($1, $2::int, $3, $4)",
                  {migration.set, std::to_string(migration.number), migration.name, checksum_of(migration)});
  session.script("COMMIT");
}

}  // namespace

std::vector<Migration> embedded_migrations() {
  std::vector<Migration> migrations;
  for (const EmbeddedMigration& embedded : embedded_sql_migrations()) {
    migrations.push_back({"tenon", embedded.number, std::string(embedded.name), std::string(embedded.sql)});
  }
  return migrations;
}

MigrationReport migrate(const std::string& conninfo, std::span<const Migration> migrations, Logger& log) {
  require_well_numbered(migrations);
  Session session(conninfo);  // its end gives the lock back
  take_lock(session);
  if (!has_migrations_table(session)) session.script(bootstrap);
  const Applied applied = read_applied(session);
  if (const std::string reason = contradiction(applied, migrations); !reason.empty()) throw std::runtime_error(reason);

  MigrationReport report;
  for (const Migration& migration : migrations) {
    ++report.known;
    if (applied.contains({migration.set, migration.number})) continue;
    try {
      apply(session, migration);
    } catch (const std::exception& error) {
      throw std::runtime_error("migration " + title_of(migration) + " failed: " + error.what());
    }
    ++report.applied;
    log.event(LogLevel::info, "migration_applied",
              {{"set", migration.set}, {"number", std::int64_t{migration.number}}, {"name", migration.name}});
  }
  return report;
}

}  // namespace tenon::postgres
