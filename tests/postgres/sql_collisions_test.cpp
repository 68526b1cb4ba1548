// One key, two transactions at a time: the loser hears which key it was, and whoever is beside them notices nothing.
#include <gmock/gmock.h>

#include <future>

#include "postgres/sql_database.hpp"
#include "support/cluster.hpp"

namespace tenon::test {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Field;

struct Outcome {
  std::string sqlstate = "accepted";
  std::string detail;
  std::vector<Answer> answers;
};

// `first` and `second` are sessions with a transaction of their own each. They share keys but no item: items are locked
// before keys are looked up, so whoever shares an item waits there and then simply sees the stored answer.
class SqlCollisions : public SqlTest {
 protected:
  SqlCollisions() {
    for (int n = 1; n <= 4; ++n) make_item(uuid_of(n), 100);
  }

  static Outcome outcome_of(Session& session, const std::vector<Sale>& sales) {
    Outcome outcome;
    try {
      outcome.answers = sell(session, sales);
    } catch (const postgres::StatementError& error) {
      outcome.sqlstate = error.sqlstate();
      outcome.detail = error.detail();
    }
    return outcome;
  }

  static std::future<Outcome> start(Session& session, std::vector<Sale> sales) {
    return std::async(std::launch::async, [&session, sales = std::move(sales)] { return outcome_of(session, sales); });
  }

  [[nodiscard]] bool await_waiting(int sessions = 1) const {
    return await_row(superuser_conninfo_,
                     "SELECT FROM pg_stat_activity WHERE datname = 'sql' AND wait_event_type = 'Lock'"
                     " AND usename = 'tenon_edge' HAVING count(*) >= " +
                         std::to_string(sessions));
  }

  std::string sold() { return lines(superuser_, "SELECT quantity_sold FROM inventory ORDER BY id"); }

  Session second_ = connect_edge();
};

Sale sale(int key, int item) { return {.envelope = envelope(key), .item = uuid_of(item)}; }

TEST_F(SqlCollisions, OfSalesWaitForTheFirstAndFindItsAnswer) {
  edge_.script("BEGIN");
  (void)sell(edge_, std::vector{sale(1, 1), sale(2, 1)});
  auto waiting = start(second_, {sale(7, 2), sale(2, 2), sale(8, 2)});
  ASSERT_TRUE(await_waiting());
  edge_.script("COMMIT");
  EXPECT_EQ(waiting.get().sqlstate, "accepted");
  EXPECT_EQ(sold(), "2\n2\n0\n0\n") << "the one that collided did not run, the others did";
  EXPECT_THAT(sell(second_, std::vector{sale(7, 2), sale(2, 2), sale(8, 2)}), Each(Field(&Answer::origin, 1)));
}

TEST_F(SqlCollisions, OfRegisteredOperationsAreNamedTooAndReplaysBesideThemAreNot) {
  const auto call = [](int key, int item) {
    return Call{envelope(key), R"({"id":")" + uuid_of(item) + R"(","increment":1})"};
  };
  (void)execute_one(edge_, "increment_stock", call(5, 1));
  edge_.script("BEGIN");
  (void)execute_one(edge_, "increment_stock", call(2, 1));
  auto waiting = std::async(std::launch::async, [&] {
    Outcome outcome;
    try {
      (void)execute(second_, "increment_stock", std::vector{call(5, 2), call(7, 2), call(2, 2)});
    } catch (const postgres::StatementError& error) {
      outcome.sqlstate = error.sqlstate();
      outcome.detail = error.detail();
    }
    return outcome;
  });
  ASSERT_TRUE(await_waiting());
  edge_.script("COMMIT");
  const Outcome outcome = waiting.get();
  EXPECT_EQ(outcome.sqlstate, "TN001");
  EXPECT_EQ(outcome.detail, envelope(2).claim);
  EXPECT_EQ(lines(superuser_, "SELECT quantity_received FROM inventory ORDER BY id LIMIT 2"), "102\n100\n");
}

TEST_F(SqlCollisions, WithATransactionThatIsRolledBackAreNone) {
  edge_.script("BEGIN");
  (void)sell_one(edge_, sale(1, 1));
  auto waiting = start(second_, {sale(1, 2)});
  ASSERT_TRUE(await_waiting());
  edge_.script("ROLLBACK");
  const Outcome outcome = waiting.get();
  EXPECT_EQ(outcome.sqlstate, "accepted");
  EXPECT_THAT(outcome.answers, ElementsAre(Field(&Answer::origin, 0)));
  EXPECT_EQ(sold(), "0\n1\n0\n0\n");
}

TEST_F(SqlCollisions, LeaveOtherKeysAlone) {
  edge_.script("BEGIN");
  (void)sell_one(edge_, sale(1, 1));
  EXPECT_EQ(outcome_of(second_, {sale(2, 2)}).sqlstate, "accepted") << "nothing to wait for";
  edge_.script("COMMIT");
  EXPECT_EQ(sold(), "1\n1\n0\n0\n");
}

// The usual duplicate: the same sale by the same caller over two nodes. It waits at the item and needs no second round.
TEST_F(SqlCollisions, OverOneItemEndInAReplayAtOnce) {
  edge_.script("BEGIN");
  const Answer first = sell_one(edge_, sale(1, 1));
  auto waiting = start(second_, {sale(1, 1)});
  ASSERT_TRUE(await_waiting());
  edge_.script("COMMIT");
  const Outcome outcome = waiting.get();
  ASSERT_EQ(outcome.sqlstate, "accepted");
  EXPECT_EQ(outcome.answers.at(0).origin, 1);
  EXPECT_EQ(outcome.answers.at(0).body, first.body);
  EXPECT_EQ(sold(), "1\n0\n0\n0\n");
}

TEST_F(SqlCollisions, WithinOneBatchAreRefusedAndNamed) {
  for (const int other_item : {1, 2}) {
    const Outcome outcome = outcome_of(edge_, {sale(1, 1), sale(2, 3), sale(1, other_item)});
    EXPECT_EQ(outcome.sqlstate, "TN001");
    EXPECT_EQ(outcome.detail, envelope(1).claim);
  }
  const std::string arguments = R"({"id":")" + uuid_of(1) + R"(","increment":1})";
  EXPECT_EQ(refusal_of([&] {
              (void)execute(edge_, "increment_stock",
                            std::vector{Call{envelope(1), arguments}, Call{envelope(1), arguments}});
            }),
            "TN001");
  EXPECT_EQ(sold(), "0\n0\n0\n0\n");
  EXPECT_EQ(value(superuser_, "SELECT (SELECT count(*) FROM audit_logs) + (SELECT count(*) FROM idempotency_keys)"),
            "0");
}

// Two batches that share two keys in opposite orders: keys are stored in one order, so nobody waits in a ring.
TEST_F(SqlCollisions, OverSeveralKeysDoNotDeadlock) {
  Session third = connect_edge();
  edge_.script("BEGIN");
  (void)sell(edge_, std::vector{sale(5, 1)});  // both of the others stop here, with their keys 1 to 4 stored or not
  auto one = start(second_, {sale(1, 2), sale(2, 2), sale(5, 2), sale(9, 2)});
  ASSERT_TRUE(await_waiting(1));
  auto two = start(third, {sale(9, 3), sale(5, 3), sale(2, 3), sale(1, 3)});
  ASSERT_TRUE(await_waiting(2));
  edge_.script("ROLLBACK");
  const std::array outcomes{one.get(), two.get()};
  for (const Outcome& outcome : outcomes) {
    EXPECT_THAT(outcome.sqlstate, testing::AnyOf("accepted", "TN001")) << "40P01 is a deadlock";
  }
  EXPECT_EQ(value(superuser_, "SELECT sum(quantity_sold) FROM inventory"), "4");
}

// An answer that has expired is no answer: of two that find the place free, one gets it.
TEST_F(SqlCollisions, OverAnExpiredKeyAreCollisionsToo) {
  (void)sell_one(edge_, sale(1, 1));
  age("61 seconds");
  edge_.script("BEGIN");
  EXPECT_EQ(sell_one(edge_, sale(1, 1)).origin, 0);
  auto waiting = start(second_, {sale(1, 2)});
  ASSERT_TRUE(await_waiting());
  edge_.script("COMMIT");
  EXPECT_EQ(waiting.get().sqlstate, "accepted");
  EXPECT_EQ(sold(), "2\n0\n0\n0\n");
}

}  // namespace
}  // namespace tenon::test
