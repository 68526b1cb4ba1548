// Orders of a batch, set-based: to the row what one order after another would have done, or nothing of it.
#include <gmock/gmock.h>

#include <random>

#include "postgres/sql_database.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;

class SqlOrders : public SqlTest {
 protected:
  SqlOrders() {
    for (int n = 1; n <= items; ++n) make_item(uuid_of(n), stock, "Chair " + std::to_string(n));
  }

  static Call order(int key, const std::vector<std::pair<int, int>>& lines) {
    std::string text;
    for (const auto& [item, quantity] : lines) {
      text += (text.empty() ? "" : ",") + (R"({"item_id":")" + uuid_of(item)) + R"(","quantity":)" +
              std::to_string(quantity) + "}";
    }
    return {envelope(key), R"({"lines":[)" + text + "]}"};
  }

  // What must be true of every item, whoever sold: the entries lead from what there was to what there is, each from
  // where the one before it ended.
  void expect_entries_to_add_up() {
    EXPECT_EQ(value(superuser_,
                    "SELECT count(*) FROM inventory i WHERE quantity_available + quantity_sold <> quantity_received"
                    " OR version - 1 <> (SELECT count(*) FROM audit_logs WHERE entity_id = i.id)"),
              "0");
    EXPECT_EQ(value(superuser_,
                    "SELECT count(*) FROM (SELECT before, lag(after) OVER (PARTITION BY entity_id ORDER BY"
                    " (after::jsonb ->> 'version')::bigint) AS previous FROM audit_logs) AS e"
                    " WHERE previous IS NOT NULL AND before::jsonb <> previous::jsonb - 'order_id'"),
              "0");
    EXPECT_EQ(
        value(superuser_, "SELECT count(*) FROM (SELECT id FROM audit_logs GROUP BY id HAVING count(*) > 1) AS e"),
        "0");
  }

  // The function behind the twin, alone: what each batch goes through once this is done.
  void take_the_twin_away() {
    superuser_.execute("UPDATE tenon.operations SET batch = NULL WHERE name = 'create_order'");
  }

  static constexpr int items = 6;
  static constexpr int stock = 400;
};

TEST_F(SqlOrders, AnswerAndChangeWhatOneAfterTheOtherWould) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<Call> calls;
  for (int key = 1; key <= 40; ++key) {
    std::vector<std::pair<int, int>> lines(1 + random() % 8);
    for (auto& [item, quantity] : lines)
      item = static_cast<int>(1 + random() % items), quantity = static_cast<int>(1 + random() % 3);
    calls.push_back(order(key, lines));
  }
  const std::string stock_now = "SELECT name, quantity_available, quantity_sold, version FROM inventory ORDER BY id";
  const std::string told =
      "SELECT array_agg(regexp_replace(summary, '\"(id|created_at)\":\"[^\"]*\"', '', 'g') ORDER BY key) FROM "
      "idempotency_keys"
      "";
  edge_.script("BEGIN");
  for (const Answer& answer : execute(edge_, "create_order", calls)) EXPECT_EQ(answer.status, 201);
  edge_.script("COMMIT");
  expect_entries_to_add_up();
  const std::string stock_at_once = lines(superuser_, stock_now);
  const std::string told_at_once = value(superuser_, told);

  superuser_.script(
      "BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM idempotency_keys; DELETE FROM audit_logs;"
      "UPDATE inventory SET quantity_available = quantity_received, quantity_sold = 0, version = 1; COMMIT");
  take_the_twin_away();
  (void)execute(edge_, "create_order", calls);
  expect_entries_to_add_up();
  EXPECT_EQ(lines(superuser_, stock_now), stock_at_once);
  EXPECT_EQ(value(superuser_, told), told_at_once);
}

TEST_F(SqlOrders, ThatCannotAllBeFilledAreTakenOneByOne) {
  const struct {
    const char* what;
    std::vector<Call> calls;
    std::vector<int> statuses;
  } rows[] = {
      {"too much in one line",
       {order(11, {{1, 1}}), order(12, {{2, 1}, {1, stock}}), order(13, {{2, 5}})},
       {201, 409, 201}},
      {"an item that is not there", {order(21, {{1, 1}, {9, 1}}), order(22, {{1, 1}})}, {404, 201}},
      {"a key that was used, and one that was not", {order(11, {{1, 1}}), order(31, {{1, 1}})}, {201, 201}},
  };
  for (const auto& row : rows) {
    const std::vector<Answer> answers = execute(edge_, "create_order", row.calls);
    for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i].status, row.statuses[i]) << row.what;
    expect_entries_to_add_up();
  }
  EXPECT_EQ(lines(superuser_, "SELECT quantity_sold FROM inventory ORDER BY id LIMIT 2"), "3\n5\n");
}

TEST_F(SqlOrders, NameTheFirstOfTheirEntries) {
  const std::vector<Answer> answers =
      execute(edge_, "create_order", std::vector{order(1, {{1, 1}, {2, 1}, {3, 1}}), order(2, {{4, 1}})});
  EXPECT_EQ(*answers[1].audit_id - *answers[0].audit_id, 3);
  const std::string id = std::to_string(*answers[1].audit_id);
  EXPECT_EQ(value(superuser_, "SELECT entity_id FROM audit_logs WHERE id = " + id), uuid_of(4));
  EXPECT_THAT(*answers[1].body,
              HasSubstr(value(superuser_, "SELECT after::jsonb ->> 'order_id' FROM audit_logs WHERE id = " + id)));
}

}  // namespace
}  // namespace tenon::test
