// Many nodes, few rows: no deadlock, no lost piece, and no plan that reads a whole table.
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <chrono>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "base/clock.hpp"
#include "postgres/sql_database.hpp"
#include "support/cluster.hpp"

namespace tenon::test {
namespace {

using namespace std::chrono_literals;

class SqlConcurrency : public SqlTest {
 protected:
  static constexpr int items = 5;
};

// One node that sends batches of every kind over few items and few keys, so that all of them meet all the time.
class BusyNode {
 public:
  BusyNode(std::string conninfo, unsigned seed) : session_(std::move(conninfo)), random_(seed) {}

  // The SQLSTATE it came to.
  std::string send() {
    switch (upto(3)) {
      case 0:
        return refusal_of([&] { (void)execute(session_, "create_order", orders()); });
      case 1:
        return refusal_of([&] { (void)execute(session_, "increment_stock", changes("increment")); });
      default:
        return refusal_of([&] { (void)sell(session_, sales()); });
    }
  }

 private:
  int upto(int last) { return std::uniform_int_distribution(0, last)(random_); }
  std::string item() { return uuid_of(1 + upto(4)); }
  Envelope some_envelope() { return envelope(upto(9) == 0 ? upto(20) : fresh_++); }  // shared with everybody, or fresh

  std::vector<Sale> sales() {
    std::vector<Sale> all(1 + static_cast<std::size_t>(upto(15)));
    for (Sale& sale : all) sale = {.envelope = some_envelope(), .item = item(), .quantity = 1 + upto(2)};
    return all;
  }
  std::vector<Call> changes(const std::string& member) {
    std::vector<Call> all(1 + static_cast<std::size_t>(upto(3)));
    for (Call& call : all) {
      call = {some_envelope(), R"({"id":")" + item() + R"(",")" + member + R"(":)" + std::to_string(1 + upto(9)) + "}"};
    }
    return all;
  }
  std::vector<Call> orders() {
    std::vector<Call> all(1 + static_cast<std::size_t>(upto(2)));
    for (Call& call : all) {
      std::string order_lines;
      for (int n = upto(4); n >= 0; --n) {
        order_lines += (order_lines.empty() ? "" : ",") + (R"({"item_id":")" + item() + R"(","quantity":1})");
      }
      call = {some_envelope(), R"({"lines":[)" + order_lines + "]}"};
    }
    return all;
  }

  Session session_;
  std::mt19937 random_;
  int fresh_ = 1'000 + static_cast<int>(random_() % 1'000'000) * 1'000;
};

TEST_F(SqlConcurrency, OfManyNodesOverFewItemsIsFreeOfDeadlocksAndLosesNothing) {
  const unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  for (int n = 1; n <= items; ++n) make_item(uuid_of(n), 2'000);
  const Monotonic until = monotonic_now() + 5s;
  std::mutex mutex;
  std::map<std::string, int> outcomes;
  std::vector<std::thread> nodes;
  for (unsigned n = 0; n < 8; ++n) {
    nodes.emplace_back([&, n] {
      BusyNode node(edge_conninfo_, seed + n);
      while (monotonic_now() < until) {
        const std::string outcome = node.send();
        const std::scoped_lock lock(mutex);
        ++outcomes[outcome];
      }
    });
  }
  while (monotonic_now() < until) {  // the partitions turn meanwhile
    superuser_.execute("UPDATE tenon.key_generation SET opened_at = opened_at - interval '1 hour'");
    (void)value(edge_, "SELECT tenon.turn_key_generation()");
    std::this_thread::sleep_for(200ms);
  }
  for (std::thread& node : nodes) node.join();

  for (const auto& [outcome, times] : outcomes) {
    std::cout << outcome << ": " << times << '\n';
    EXPECT_THAT(outcome, testing::AnyOf("accepted", "TN001")) << "40P01 is a deadlock, 55P03 a lock not had in 3 s";
  }
  EXPECT_GE(outcomes["accepted"], 100) << "a run in which little happened shows little";
  // Each item's stock is what its entries tell, one after the other.
  EXPECT_EQ(lines(superuser_, R"(
    SELECT i.id FROM inventory AS i
    LEFT JOIN LATERAL (
      SELECT count(*) AS entries, max((after::jsonb ->> 'version')::bigint) AS version,
             sum((after::jsonb ->> 'quantity_sold')::bigint - (before::jsonb ->> 'quantity_sold')::bigint) AS sold,
             sum((after::jsonb ->> 'quantity_available')::bigint - (before::jsonb ->> 'quantity_available')::bigint) AS stock,
             count(DISTINCT before::jsonb ->> 'version') AS states
      FROM audit_logs WHERE entity_id = i.id) AS log ON true
    WHERE (i.version, i.version, i.quantity_sold, i.quantity_available, log.states)
          IS DISTINCT FROM (log.version, log.entries + 1, log.sold, 2000 + log.stock, log.entries))"),
            "");
  EXPECT_EQ(value(superuser_, "SELECT count(*) - count(DISTINCT claim) FROM idempotency_keys"), "0");
}

// A row more than a moment ago is where every plan starts; statements are prepared once and live for days.
class SqlPlans : public SqlTest {
 protected:
  void fill() {
    meddle(R"(
      INSERT INTO idempotency_keys (claim, slot, status_code, expires_at, request_hash, scope, user_id, key, summary)
      SELECT gen_random_uuid(), n % 4, 200, now() + interval '1 hour', sha256('x'), 'inventory', 'clerk', n::text, '{}'
      FROM generate_series(1, 100000) AS n;
      INSERT INTO inventory (name, price, quantity_available, quantity_received)
      SELECT 'Chair ' || n, 1, 1000, 1000 FROM generate_series(1, 20000) AS n)");
  }
  std::vector<Sale> sales(int first, const std::vector<std::string>& ids) {
    std::vector<Sale> all;
    for (int n = 0; n < 20; ++n) {
      all.push_back({.envelope = envelope(first + n), .item = ids[static_cast<std::size_t>(n) % ids.size()]});
    }
    return all;
  }
  // Counted by the server in shared memory once a session flushes its numbers.
  std::string tuples_read_by_scans(Session& session) {
    session.execute("SELECT pg_stat_force_next_flush()");
    return lines(session,
                 "SELECT relname, seq_tup_read FROM pg_stat_user_tables"
                 " WHERE relname = 'inventory' OR relname LIKE 'idempotency_keys%' ORDER BY relname");
  }
};

TEST_F(SqlPlans, MadeWhileTablesWereEmptyReadByIndexOnceTheyAreFull) {
  make_item(uuid_of(1), 10'000);
  const std::string increment = R"({"id":")" + uuid_of(1) + R"(","increment":1})";
  const std::string order = R"({"lines":[{"item_id":")" + uuid_of(1) + R"(","quantity":1}]})";
  // Every path once or more, so that each statement has its plan by now.
  for (int n = 0; n < 8; ++n) {
    (void)sell(edge_, sales(n * 100, {uuid_of(1)}));
    (void)execute_one(edge_, "increment_stock", {envelope(n * 100 + 50), increment});
    (void)execute_one(edge_, "create_order", {envelope(n * 100 + 51), order});
    (void)sell(edge_, sales(n * 100, {uuid_of(1)}));  // replays
  }
  fill();
  std::vector<std::string> ids;
  const postgres::Rows rows = superuser_.execute("SELECT id FROM inventory WHERE name LIKE 'Chair 1%' LIMIT 10");
  for (int row = 0; row < rows.size(); ++row) ids.push_back(rows.text(row, 0));
  superuser_.execute("SELECT pg_stat_force_next_flush()");
  (void)tuples_read_by_scans(edge_);
  const std::string before = tuples_read_by_scans(edge_);
  for (int n = 100; n < 110; ++n) {
    (void)sell(edge_, sales(n * 100, ids));
    (void)sell(edge_, sales(n * 100, ids));
    (void)execute_one(edge_, "increment_stock", {envelope(n * 100 + 50), increment});
    (void)execute_one(edge_, "create_order", {envelope(n * 100 + 51), order});
    (void)execute_one(edge_, "delete_item", {envelope(n * 100 + 52), R"({"id":")" + uuid_of(77) + R"("})"});
    (void)value(edge_, "SELECT count(*) FROM tenon.read_outcome('" + envelope(n * 100).claim + "', '')");
  }
  EXPECT_EQ(tuples_read_by_scans(edge_), before) << "a table was read from end to end";
}

// The same with whatever the planner would like to do by itself: what the functions' settings are for.
TEST_F(SqlPlans, OfLookupsByKeyNameTheUniqueIndexOfEachPartition) {
  fill();
  superuser_.script(
      "SET ROLE tenon_owner; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
      "PREPARE by_claims(uuid[]) AS SELECT FROM idempotency_keys WHERE claim = ANY ($1);"
      "PREPARE by_claim(uuid) AS SELECT FROM idempotency_keys WHERE claim = $1");
  for (const char* statement : {"EXPLAIN EXECUTE by_claims(NULL)", "EXPLAIN EXECUTE by_claim(NULL)"}) {
    const std::string plan = lines(superuser_, statement);
    for (const char* index : {"idempotency_keys_0_claim", "idempotency_keys_1_claim", "idempotency_keys_2_claim",
                              "idempotency_keys_3_claim"}) {
      EXPECT_THAT(plan, testing::HasSubstr(index));
    }
    EXPECT_THAT(plan, testing::Not(testing::HasSubstr("Seq Scan")));
  }
}

}  // namespace
}  // namespace tenon::test
