// Exactly one entry of the audit log for each change of each audited row, whoever writes and in whatever order.
#include <gmock/gmock.h>

#include <set>

#include "postgres/sql_database.hpp"

namespace tenon::test {
namespace {

constexpr const char* unaudited = "TN010";

// As the owner of the tables: as every operation runs, whatever it forgets.
class SqlAudit : public SqlTest {
 protected:
  SqlAudit() : owner_(connect_superuser()) {
    for (int n = 1; n <= 3; ++n) make_item(uuid_of(n), 100);
    owner_.script("SET ROLE tenon_owner");
  }

  // The SQLSTATE of one transaction, COMMIT included.
  std::string commit(const std::string& statements) {
    const std::string refusal = refusal_of([&] { owner_.script("BEGIN; " + statements + "; COMMIT"); });
    owner_.script("ROLLBACK");
    return refusal;
  }

  static std::string change(int item, int times = 1, const char* more = "") {
    return "UPDATE inventory SET quantity_available = quantity_available - 1, quantity_sold = quantity_sold + 1,"
           " version = version + " +
           std::to_string(times) + ", updated_at = clock_timestamp() WHERE id = '" + uuid_of(item) + "' " + more;
  }
  static std::string entry(int item) {
    return "SELECT tenon.audit(ROW('clerk', 'admin', 'r', 'k')::tenon.command, 'SOLD', 'item', '" + uuid_of(item) +
           "', NULL, '{}')";
  }
  static std::string insert(int item) {
    return "INSERT INTO inventory (id, name, price, quantity_received) VALUES ('" + uuid_of(item) + "', 'New', 1, 0)";
  }
  static std::string remove(int item) { return "DELETE FROM inventory WHERE id = '" + uuid_of(item) + "'"; }

  Session owner_;
};

struct Transaction {
  const char* what;
  std::string statements;
  const char* expected;
};

TEST_F(SqlAudit, HasOneEntryForEachChangeOrTheTransactionCannotCommit) {
  const std::string then = "; ";
  const std::string both =
      "UPDATE inventory SET name = name || 'x', version = version + 1,"
      " updated_at = clock_timestamp() WHERE id IN ('" +
      uuid_of(1) + "', '" + uuid_of(2) + "')";
  const Transaction transactions[] = {
      {"a change with its entry", change(1) + then + entry(1), "accepted"},
      {"the entry first", entry(1) + then + change(1), "accepted"},
      {"in one statement, the entry below", "WITH c AS (" + change(1, 1, "RETURNING id") + ") " + entry(1) + " FROM c",
       "accepted"},
      {"a change without", change(1), unaudited},
      {"a new row with its entry", insert(7) + then + entry(7), "accepted"},
      {"a new row without", insert(8), unaudited},
      {"a removed row with its entry", remove(7) + then + entry(7), "accepted"},
      {"a removed row without", remove(3), unaudited},
      {"an entry without a change", entry(1), unaudited},
      {"two entries for one change", change(1) + then + entry(1) + then + entry(1), unaudited},
      {"one entry for two changes of a row", change(1) + then + change(1) + then + entry(1), unaudited},
      {"two changes, two entries", change(1) + then + entry(1) + then + change(1) + then + entry(1), "accepted"},
      {"an entry of another row", change(1) + then + entry(2), unaudited},
      {"an entry of a row that is none", change(1) + then + entry(99), unaudited},
      {"two rows in one statement", both + then + entry(2) + then + entry(1), "accepted"},
      {"two rows, twice the same entry", both + then + entry(1) + then + entry(1), unaudited},
      {"two rows, one entry", both + then + entry(1), unaudited},
      {"three changes at once, three entries", change(1, 3) + then + entry(1) + then + entry(1) + then + entry(1),
       "accepted"},
      {"three changes at once, one entry", change(1, 3) + then + entry(1), unaudited},
      {"three changes at once, two entries of it and one of another",
       change(1, 3) + then + entry(1) + then + entry(2) + then + entry(1), unaudited},
      {"no row",
       "UPDATE inventory SET name = 'x', version = version + 1 WHERE false; DELETE FROM inventory WHERE false",
       "accepted"},
      {"one undone, with its entry",
       "SAVEPOINT s; " + change(1) + then + entry(1) + "; ROLLBACK TO s; " + change(2) + then + entry(2), "accepted"},
      {"an entry undone", change(1) + "; SAVEPOINT s; " + entry(1) + "; ROLLBACK TO s", unaudited},
      {"a change undone", entry(1) + "; SAVEPOINT s; " + change(1) + "; ROLLBACK TO s", unaudited},
      {"the first of two undone", "SAVEPOINT s; " + change(1) + "; ROLLBACK TO s; " + change(2), unaudited},
      {"inserted or changed",
       insert(1) +
           " ON CONFLICT (id) DO UPDATE SET name = 'Again', version = inventory.version + 1,"
           " updated_at = clock_timestamp(); " +
           entry(1),
       "accepted"},
      {"inserted or changed, without",
       insert(1) + " ON CONFLICT (id) DO UPDATE SET name = 'Again',"
                   " version = inventory.version + 1, updated_at = clock_timestamp()",
       unaudited},
      {"merged, without",
       "MERGE INTO inventory AS i USING (SELECT '" + uuid_of(1) +
           "'::uuid AS id) AS n ON i.id = n.id"
           " WHEN MATCHED THEN DELETE",
       unaudited},
      {"emptied", "TRUNCATE inventory", "42501"},
      {"emptied, and all that refers to it", "TRUNCATE market_items CASCADE", "42501"},
  };
  for (const Transaction& one : transactions) {
    const std::string before = lines(superuser_, "SELECT i FROM inventory AS i ORDER BY id");
    EXPECT_EQ(commit(one.statements), one.expected) << one.what;
    if (one.expected != std::string("accepted")) {
      EXPECT_EQ(lines(superuser_, "SELECT i FROM inventory AS i ORDER BY id"), before) << one.what;
    }
  }
  EXPECT_EQ(value(superuser_, "SELECT count(*) FROM tenon.audit_balance"), "0");
}

// An operation as an embedder registers it: not what it intends, what it leaves is looked at.
TEST_F(SqlAudit, IsInsistedUponForANewOperationThatForgetsIt) {
  owner_.script(
      "CREATE FUNCTION public.forget(command tenon.command, arguments jsonb) RETURNS tenon.outcome"
      " LANGUAGE plpgsql SET search_path = public, pg_temp AS $$ BEGIN "
      "  UPDATE inventory SET name = 'Quietly', version = version + 1, updated_at = clock_timestamp();"
      "  RETURN ROW(200, NULL, '{}', NULL, NULL, NULL, NULL)::tenon.outcome; END $$;"
      "SELECT tenon.register_operation('forget', 'public.forget')");
  EXPECT_EQ(refusal_of([&] { (void)execute_one(edge_, "forget", {envelope(1), "{}"}); }), unaudited);
  EXPECT_EQ(value(superuser_, "SELECT count(*) FROM inventory WHERE name = 'Quietly'"), "0");
  EXPECT_EQ(value(superuser_, "SELECT count(*) FROM idempotency_keys"), "0");
  // Nor does anything help that a session of the edge may set.
  for (const char* setting : {"SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED",
                              "SET tenon.audit_balance = '0'", "SET LOCAL row_security = off"}) {
    edge_.script(std::string("BEGIN; ") + setting);
    EXPECT_EQ(refusal_of([&] {
                (void)execute_one(edge_, "forget", {envelope(1), "{}"});
                edge_.script(std::string(setting) + "; COMMIT");
              }),
              unaudited)
        << setting;
    edge_.script("ROLLBACK");
  }
}

// The check asked for early, while all is in balance, is not the last one.
TEST_F(SqlAudit, IsCheckedAgainAfterACheckThatCameEarly) {
  EXPECT_EQ(commit(change(1) + "; " + entry(1) + "; SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; " +
                   change(1)),
            unaudited);
  EXPECT_EQ(commit(change(1) + "; " + entry(1) + "; SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; " +
                   change(1) + "; " + entry(1)),
            "accepted");
}

TEST_F(SqlAudit, OfADetailIsThatOfTheEntityItBelongsTo) {
  const std::string listed =
      "INSERT INTO market_items (id, seller_id, category, item_name, description, price_per_unit, state, city,"
      " quantity_listed, quantity) VALUES ('" +
      uuid_of(5) +
      "', 'clerk', 'Services', 'Thing', 'as good as new', 1,"
      " 'OR', 'Portland', 5, 5)";
  const std::string bought =
      "INSERT INTO market_purchases (item_id, buyer_id, quantity, total_price, delivery_method) VALUES ('" +
      uuid_of(5) + "', 'b', 1, 1, 'Pickup')";
  const std::string sold =
      "UPDATE market_items SET quantity = quantity - 1, quantity_sold = quantity_sold + 1,"
      " version = version + 1, updated_at = clock_timestamp()";
  EXPECT_EQ(commit(listed + "; " + entry(5)), "accepted");
  EXPECT_EQ(commit(bought), unaudited) << "with nothing";
  EXPECT_EQ(commit(bought + "; " + change(1) + "; " + entry(1)), unaudited) << "with an entry of something else";
  EXPECT_EQ(commit(bought + "; " + sold + "; " + entry(5)), "accepted");
  EXPECT_EQ(commit("UPDATE market_purchases SET buyer_id = 'x'"), unaudited);
  EXPECT_EQ(commit("DELETE FROM market_purchases"), unaudited);
  EXPECT_EQ(commit("TRUNCATE market_purchases"), "42501");
}

TEST_F(SqlAudit, OfATableOfOnesOwnIsAskedForAfterOneCall) {
  owner_.script(
      "CREATE TABLE public.notes (note uuid PRIMARY KEY, line text NOT NULL);"
      "SELECT tenon.audit_table('public.notes', 'note')");
  EXPECT_EQ(commit("INSERT INTO notes VALUES ('" + uuid_of(8) + "', 'a')"), unaudited);
  EXPECT_EQ(commit("INSERT INTO notes VALUES ('" + uuid_of(8) + "', 'a'); " + entry(8)), "accepted");
  EXPECT_EQ(commit("UPDATE notes SET line = 'b'; " + entry(8)), "accepted") << "without versions: one a row";
  EXPECT_EQ(commit("UPDATE notes SET line = 'b'; " + entry(8) + "; " + entry(8)), unaudited);
  EXPECT_EQ(commit("UPDATE notes SET note = '" + uuid_of(9) + "'; " + entry(9)), "23514") << "an id is for ever";
  EXPECT_EQ(commit("TRUNCATE notes"), "42501");
  EXPECT_EQ(commit("DELETE FROM notes; " + entry(8)), "accepted");

  const std::pair<const char*, const char*> refused[] = {
      {"CREATE TABLE public.a (id int PRIMARY KEY); SELECT tenon.audit_table('public.a', 'id')", "42703"},
      {"CREATE TABLE public.a (id uuid); SELECT tenon.audit_table('public.a', 'id')", "42703"},
      {"SELECT tenon.audit_table('public.notes', 'nothing')", "42703"},
      {"SELECT tenon.audit_table('public.audit_logs', 'entity_id')", "42809"},
      {"SELECT tenon.audit_table('public.audit_logs_default', 'entity_id')", "42809"},
      {"SELECT tenon.audit_table('public.notes', 'note')", "42723"},  // it is already
      {"SELECT tenon.audit_detail('public.notes', 'line')", "42703"},
  };
  for (const auto& [sql, expected] : refused) EXPECT_EQ(commit(sql), expected) << sql;
}

TEST_F(SqlAudit, CountsVersionsAndSoNoChangeMayKeepThem) {
  superuser_.script(
      "SET session_replication_role = replica; INSERT INTO laundering_channels (owner_id, method,"
      " throughput_cap, fee_percent, latency_days, detection_risk) VALUES ('o', 'Shell', 1, 1, 1, 1);"
      "SET session_replication_role = origin");
  for (const char* table : {"inventory", "laundering_channels"}) {
    EXPECT_EQ(commit(std::string("UPDATE ") + table + " SET created_at = created_at + interval '1 s'"), "23514")
        << table;
  }
}

// The order in which everything that follows the log reads it.
TEST_F(SqlAudit, IsInTheLedgerOnceWhateverWroteIt) {
  std::vector<Sale> sales;
  for (int n = 0; n < 20; ++n) sales.push_back({.envelope = envelope(n), .item = uuid_of(1 + n % 3)});
  (void)sell(edge_, sales);
  (void)sell_one(edge_, {.envelope = envelope(30), .item = uuid_of(1)});
  std::vector<Call> calls;
  for (int n = 40; n < 45; ++n) calls.push_back({envelope(n), R"({"id":")" + uuid_of(1) + R"(","increment":1})"});
  (void)execute(edge_, "increment_stock", calls);
  EXPECT_EQ(value(superuser_, R"(
    SELECT string_agg(b.transaction_id::text || ' ' || a.id, ',' ORDER BY b.transaction_id, b.first_id, a.id)
           = (SELECT string_agg(transaction_id::text || ' ' || id, ',' ORDER BY transaction_id, id) FROM audit_logs)
    FROM tenon.audit_batches AS b JOIN audit_logs AS a ON a.id BETWEEN b.first_id AND b.last_id
      AND a.at BETWEEN b.first_at AND b.last_at AND a.transaction_id = b.transaction_id)"),
            "t");
  EXPECT_EQ(lines(superuser_,
                  "SELECT sum(entries), count(*) = count(DISTINCT (transaction_id, first_id)),"
                  " bool_and(entries = (SELECT count(*) FROM audit_logs AS a WHERE a.id BETWEEN first_id AND"
                  "   last_id AND a.transaction_id = b.transaction_id)) FROM tenon.audit_batches AS b"),
            "26|t|t\n");
}

TEST_F(SqlAudit, IsOfTheTransactionThatWritesIt) {
  EXPECT_EQ(commit(change(1) +
                   "; INSERT INTO audit_logs (id, at, transaction_id, entity_id, action, entity_kind, actor,"
                   " role, request_id, after) VALUES (1, now(), '7', '" +
                   uuid_of(1) + "', 'SOLD', 'item', 'clerk', 'admin', 'r', '{}')"),
            "42501");
}

// A new table is thought about: is each change of it audited, or what else is it for?
TEST_F(SqlAudit, IsRequiredOfEveryTableThatIsNotWrittenDownAsBookkeeping) {
  const std::set<std::string> bookkeeping{
      // Stored answers, and what they are kept in order with.
      "idempotency_keys", "idempotency_keys_0", "idempotency_keys_1", "idempotency_keys_2", "idempotency_keys_3",
      "tenon.key_generation", "tenon.operations", "tenon.migrations",
      // Nonces that were used, and how long they are kept.
      "signature_nonces", "tenon.signature_rules",
      // The audit log itself.
      "audit_logs", "audit_logs_default", "tenon.audit_balance", "tenon.audit_batches", "tenon.audit_checkpoints",
      "tenon.audit_log_identity", "tenon.audit_retired", "tenon.audit_tiles", "tenon.audit_turn"};
  const postgres::Rows rows = superuser_.execute(
      "SELECT c.oid::regclass, ARRAY(SELECT tgname::text FROM pg_trigger WHERE tgrelid = c.oid AND tgenabled = 'O')"
      "  @> ARRAY['note_insert', 'note_update', 'note_delete', 'no_truncate'],"
      " ARRAY(SELECT tgname::text FROM pg_trigger WHERE tgrelid = c.oid AND tgenabled = 'O')"
      "  @> ARRAY['check_detail', 'no_truncate']"
      " FROM pg_class AS c WHERE relnamespace IN ('public'::regnamespace, 'tenon'::regnamespace)"
      "  AND relkind IN ('r', 'p', 'f') AND relname !~ '^audit_logs_2'");
  std::set<std::string> seen;
  for (int row = 0; row < rows.size(); ++row) {
    const std::string table = rows.text(row, 0);
    const bool audited = rows.text(row, 1) == "t" || rows.text(row, 2) == "t";
    EXPECT_NE(audited, bookkeeping.contains(table))
        << table << ": SELECT tenon.audit_table('" << table << "', 'id') in its migration, or name it above";
    seen.insert(table);
  }
  for (const std::string& table : bookkeeping) EXPECT_TRUE(seen.contains(table)) << table << " is no table";
}

TEST_F(SqlAudit, HasAPartitionForEachOfTheNextMonthsAndOneForWhatIsBeyond) {
  EXPECT_EQ(value(edge_, "SELECT tenon.add_audit_months()"), "{}") << "the migration made them";
  superuser_.script(
      "DO $$DECLARE p regclass; BEGIN FOR p IN SELECT inhrelid FROM pg_inherits"
      " WHERE inhparent = 'audit_logs'::regclass AND inhrelid::regclass::text ~ '^audit_logs_2' LOOP"
      " EXECUTE 'DROP TABLE ' || p; END LOOP; END$$");
  (void)sell_one(edge_, {.envelope = envelope(1), .item = uuid_of(1)});
  EXPECT_EQ(value(superuser_, "SELECT tableoid::regclass FROM audit_logs"), "audit_logs_default");
  // This month's rows stay where they are, and so it has no partition of its own; the others do.
  EXPECT_EQ(value(edge_, "SELECT cardinality(tenon.add_audit_months())"), "3");
  EXPECT_EQ(value(edge_, "SELECT cardinality(tenon.add_audit_months())"), "0");
  (void)sell_one(edge_, {.envelope = envelope(2), .item = uuid_of(1)});
  EXPECT_EQ(value(edge_, "SELECT count(*) FROM audit_logs"), "2");
  EXPECT_EQ(
      value(superuser_,
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'audit_logs'::regclass AND inhrelid::regclass::text"
            " ~ to_char(now() AT TIME ZONE 'UTC' + interval '3 months', '\"^audit_logs_\"YYYY_MM')"),
      "1");
}

}  // namespace
}  // namespace tenon::test
