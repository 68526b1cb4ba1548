#include <array>

#include "postgres/applied.hpp"
#include "postgres/migrations.hpp"
#include "postgres/session.hpp"

namespace tenon::postgres {
namespace {

// A statement that returns a row when something is wrong, and the sentence for it.
struct Check {
  const char* wrong;
  const char* sentence;
};

// A role that may become an owner, make roles or use the server's files is as good as an owner itself. So is one that
// may become tenon_teller, who writes the audit log and changes stock without the trigger that compares the two.
constexpr std::array<Check, 12> checks{{
    {"SELECT WHERE current_setting('server_version_num')::int < 150000",
     "the server is older than PostgreSQL 15: run a newer one"},
    {"SELECT WHERE pg_is_in_recovery()",
     "the server is a standby in recovery: point the node at the primary (target_session_attrs=read-write)"},
    {"SELECT WHERE current_setting('fsync') = 'off'",
     "fsync is off, so a crash of the machine loses acknowledged writes: set fsync = on"},
    {"SELECT WHERE current_setting('synchronous_commit') = 'off'",
     "synchronous_commit is off, so a crash loses acknowledged writes: set synchronous_commit = on"},
    {"SELECT WHERE current_setting('synchronous_commit') = 'local' AND current_setting('synchronous_standby_names') <> "
     "''",
     "synchronous_commit is local, so a fail-over to a standby loses acknowledged writes: set synchronous_commit = on"},
    {"SELECT WHERE current_setting('full_page_writes') = 'off'",
     "full_page_writes is off, so a crash may tear pages: set full_page_writes = on"},
    {"SELECT FROM pg_roles WHERE rolname = session_user AND rolsuper",
     "the login role is a superuser, to whom no rule of the database applies: log in as tenon_edge"},
    {"SELECT FROM pg_roles WHERE rolname = session_user AND rolbypassrls",
     "the login role may bypass row security: log in as tenon_edge"},
    {"SELECT FROM pg_roles WHERE rolname = session_user AND rolcreaterole",
     "the login role may make roles, and so make itself anybody: log in as tenon_edge"},
    {"SELECT FROM pg_roles WHERE rolname = session_user AND rolreplication",
     "the login role may replicate, and so read all there is: log in as tenon_edge"},
    {"SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
     "WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' "
     "AND pg_has_role(session_user, c.relowner, 'MEMBER') LIMIT 1",
     "the login role owns tables, or may become the role that does: log in as tenon_edge"},
    {"SELECT FROM pg_roles WHERE rolname IN ('pg_execute_server_program', 'pg_read_server_files', "
     "'pg_write_server_files', 'pg_write_all_data', 'tenon_teller') AND pg_has_role(session_user, oid, 'MEMBER') LIMIT "
     "1",
     "the login role may use the server's files or programs, write every table, or become tenon_teller: log in as "
     "tenon_edge"},
}};

std::string missing(const Applied& applied, std::span<const Migration> migrations) {
  std::size_t count = 0;
  for (const Migration& migration : migrations) {
    if (!applied.contains({migration.set, migration.number})) ++count;
  }
  if (count == 0) return "";
  return "the database lacks " + std::to_string(count) + " of " + std::to_string(migrations.size()) +
         " migrations: run `tenon migrate` with the login of its administrator";
}

std::string check_schema(Session& session, std::span<const Migration> migrations) {
  if (!has_migrations_table(session)) return missing({}, migrations);
  const Applied applied = read_applied(session);
  const std::string reason = contradiction(applied, migrations);
  return reason.empty() ? missing(applied, migrations) : reason;
}

}  // namespace

std::string preflight(const std::string& conninfo, std::span<const Migration> migrations) {
  try {
    Session session(conninfo);
    for (const Check& check : checks) {
      if (session.execute(check.wrong).size() > 0) return check.sentence;
    }
    return check_schema(session, migrations);
  } catch (const ConnectionError& error) {
    return std::string("the database cannot be reached: ") + error.what();
  } catch (const StatementError& error) {
    return std::string("the database cannot be examined: ") + error.what();
  }
}

}  // namespace tenon::postgres
