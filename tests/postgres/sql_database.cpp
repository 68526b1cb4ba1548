#include "postgres/sql_database.hpp"

#include <fmt/format.h>

#include <functional>
#include <ostream>

#include "support/cluster.hpp"

namespace tenon::test {
namespace {

const char* const reply_columns =
    "SELECT a.origin, a.status, a.problem, a.body, a.version, (extract(epoch FROM a.modified) * 1000000)::bigint,"
    " a.location, (extract(epoch FROM a.expires) * 1000000)::bigint, a.audit_id ";
const char* const reply_rows =
    " AS r, unnest(r.origins, r.statuses, r.problems, r.bodies, r.versions, r.modified, r.locations, r.expires,"
    " r.audit_ids) WITH ORDINALITY"
    " AS a (origin, status, problem, body, version, modified, location, expires, audit_id, n) ORDER BY n";

std::optional<std::string> text_of(const postgres::Rows& rows, int row, int column) {
  const auto bytes = rows.get(row, column);
  if (!bytes) return std::nullopt;
  return std::string(*bytes);
}

std::optional<std::int64_t> number_of(const postgres::Rows& rows, int row, int column) {
  const auto bytes = rows.get(row, column);
  if (!bytes) return std::nullopt;
  return std::stoll(std::string(*bytes));
}

std::optional<int> small_number_of(const postgres::Rows& rows, int row, int column) {
  const auto number = number_of(rows, row, column);
  if (!number) return std::nullopt;
  return static_cast<int>(*number);
}

std::vector<Answer> answers_of(const postgres::Rows& rows) {
  std::vector<Answer> answers;
  for (int row = 0; row < rows.size(); ++row) {
    answers.push_back({.origin = small_number_of(rows, row, 0),
                       .status = small_number_of(rows, row, 1),
                       .problem = text_of(rows, row, 2),
                       .body = text_of(rows, row, 3),
                       .version = number_of(rows, row, 4),
                       .modified = number_of(rows, row, 5),
                       .location = text_of(rows, row, 6),
                       .expires = number_of(rows, row, 7),
                       .audit_id = number_of(rows, row, 8)});
  }
  return answers;
}

template <typename Item>
std::string column(std::span<const Item> items, const std::function<std::optional<std::string>(const Item&)>& element) {
  std::vector<std::optional<std::string>> elements;
  elements.reserve(items.size());
  for (const Item& item : items) elements.push_back(element(item));
  return array_text(elements);
}

// The eight arrays that say who asks, under which keys.
template <typename Item>
std::vector<std::string> envelope_columns(std::span<const Item> items) {
  const auto each = [&](auto element) {
    return column<Item>(items, [&](const Item& item) -> std::optional<std::string> { return element(item.envelope); });
  };
  return {each([](const Envelope& e) { return e.claim; }),
          each([](const Envelope&) { return std::string("inventory"); }),
          each([](const Envelope& e) { return e.user; }),
          each([](const Envelope& e) { return e.key; }),
          each([](const Envelope& e) {
            std::string hex = "\\x";
            for (int i = 0; i < 32; ++i) hex += fmt::format("{:02x}", e.fingerprint);
            return hex;
          }),
          each([](const Envelope& e) { return std::to_string(e.lifetime_seconds); }),
          each([](const Envelope&) { return std::string("admin"); }),
          each([](const Envelope& e) { return "request-" + e.key; })};
}

// Copied from one that was migrated once. What the database itself allows is not copied along with its content.
std::string fresh_database() {
  static const std::string from = [] {
    const std::string conninfo = shared_cluster().make_database("sql_template");
    shared_cluster().migrate("sql_template");
    return conninfo;
  }();
  Session session(shared_cluster().superuser("postgres"));
  session.execute("DROP DATABASE IF EXISTS sql WITH (FORCE)");
  session.execute("CREATE DATABASE sql TEMPLATE sql_template");
  session.execute(
      "UPDATE pg_database SET datacl = (SELECT datacl FROM pg_database WHERE datname = 'sql_template')"
      " WHERE datname = 'sql'");
  return shared_cluster().superuser("sql");
}

}  // namespace

std::string uuid_of(int number) { return fmt::format("00000000-0000-7000-8000-{:012x}", number); }

Envelope envelope(int number) {
  return {.claim = fmt::format("c1a10000-0000-4000-8000-{:012x}", number), .key = fmt::format("key-{}", number)};
}

void PrintTo(const Answer& answer, std::ostream* out) {
  const auto number = [](const auto& n) { return n ? std::to_string(*n) : "-"; };
  *out << "origin " << number(answer.origin) << ", status " << number(answer.status) << ", problem "
       << answer.problem.value_or("-") << ", version " << number(answer.version) << ", modified "
       << number(answer.modified) << ", expires " << number(answer.expires) << ", audit id " << number(answer.audit_id)
       << ", location " << answer.location.value_or("-") << ", body " << answer.body.value_or("-");
}

std::vector<Answer> sell(Session& session, std::span<const Sale> sales) {
  std::vector<std::string> parameters = envelope_columns(sales);
  parameters.push_back(column<Sale>(sales, [](const Sale& sale) { return sale.item; }));
  parameters.push_back(column<Sale>(sales, [](const Sale& sale) -> std::optional<std::string> {
    if (!sale.quantity) return std::nullopt;
    return std::to_string(*sale.quantity);
  }));
  parameters.push_back(column<Sale>(sales, [](const Sale& sale) { return sale.precondition; }));
  return answers_of(session.execute(
      std::string(reply_columns) +
          "FROM decrement_stock_atomic($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::int[],"
          " $7::text[], $8::text[], $9::uuid[], $10::int[], $11::jsonb[])" +
          reply_rows,
      parameters));
}

std::vector<Answer> execute(Session& session, const std::string& operation, std::span<const Call> calls) {
  std::vector<std::string> parameters = envelope_columns(calls);
  parameters.push_back(column<Call>(calls, [](const Call& call) { return call.arguments; }));
  parameters.push_back(operation);
  return answers_of(session.execute(
      std::string(reply_columns) +
          "FROM tenon.execute($10, $1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::int[],"
          " $7::text[], $8::text[], $9::jsonb[])" +
          reply_rows,
      parameters));
}

Answer sell_one(Session& session, const Sale& sale) { return sell(session, {&sale, 1}).at(0); }

Answer execute_one(Session& session, const std::string& operation, const Call& call) {
  return execute(session, operation, {&call, 1}).at(0);
}

std::string array_text(std::span<const std::optional<std::string>> elements) {
  std::string text = "{";
  for (const auto& element : elements) {
    if (text.size() > 1) text += ',';
    if (!element) {
      text += "NULL";
      continue;
    }
    text += '"';
    for (const char character : *element) {
      if (character == '"' || character == '\\') text += '\\';
      text += character;
    }
    text += '"';
  }
  return text + "}";
}

std::string value(Session& session, const std::string& sql) {
  const postgres::Rows rows = session.execute(sql);
  return rows.size() > 0 && rows.columns() > 0 ? rows.text(0, 0) : "";
}

std::string lines(Session& session, const std::string& sql) {
  const postgres::Rows rows = session.execute(sql);
  std::string text;
  for (int row = 0; row < rows.size(); ++row) {
    for (int column_number = 0; column_number < rows.columns(); ++column_number) {
      if (column_number > 0) text += '|';
      text += rows.text(row, column_number);
    }
    text += '\n';
  }
  return text;
}

SqlTest::SqlTest()
    : superuser_conninfo_(fresh_database()),
      edge_conninfo_(shared_cluster().edge("sql")),
      superuser_(superuser_conninfo_),
      edge_(edge_conninfo_) {
  superuser_.execute(
      "UPDATE tenon.key_generation SET opened_at = clock_timestamp()");  // not when it was first migrated
}

void SqlTest::meddle(const std::string& sql) {
  superuser_.script("BEGIN; SET LOCAL session_replication_role = replica; " + sql + "; COMMIT");
}

void SqlTest::make_item(const std::string& id, std::int64_t available, const std::string& name) {
  superuser_.execute("SET session_replication_role = replica");
  superuser_.execute(
      "INSERT INTO inventory (id, name, price, quantity_available, quantity_received, created_at, updated_at)"
      " VALUES ($1::uuid, $2, 129.90, $3::bigint, $3::bigint, now() - interval '1 day', now() - interval '1 day')",
      {id, name, std::to_string(available)});
  superuser_.execute("SET session_replication_role = origin");
}

void SqlTest::age(const std::string& interval) {
  const std::string by = " - interval '" + interval + "'";
  meddle("UPDATE inventory SET updated_at = updated_at" + by + ", prior_updated_at = prior_updated_at" + by +
         "; UPDATE idempotency_keys SET expires_at = expires_at" + by +
         "; UPDATE tenon.key_generation SET opened_at = opened_at" + by + ", free_at = ARRAY(SELECT f" + by +
         " FROM unnest(free_at) WITH ORDINALITY AS u (f, n) ORDER BY n)");
}

void SqlTest::break_table(const std::string& table, const std::string& event) {
  superuser_.script(
      "CREATE FUNCTION public.broken() RETURNS trigger LANGUAGE plpgsql AS "
      "$$BEGIN RAISE EXCEPTION 'broken by the test' USING ERRCODE = '58030'; END$$;"
      "CREATE TRIGGER broken BEFORE " +
      event + " ON " + table + " FOR EACH STATEMENT EXECUTE FUNCTION public.broken()");
}

}  // namespace tenon::test
