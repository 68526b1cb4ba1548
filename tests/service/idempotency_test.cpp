// Many requests with one key at a time, on one node and on two: one execution, equal answers.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

#include "service/inventory.hpp"

namespace tenon::test {
namespace {

struct Told {
  std::map<std::string, int> statuses;  // Idempotency-Status: how often
  std::set<std::string> lasting_parts;  // one when all were told the same
};

void tell(Told& told, const std::vector<RawResponse>& answers) {
  for (const RawResponse& answer : answers) {
    ++told.statuses[answer.header("Idempotency-Status").value_or("(none) " + answer.body)];
    told.lasting_parts.insert(lasting_part(answer));
  }
}

using Statuses = std::map<std::string, int>;

TEST(OneKey, SentThirtyTimesAtOnceSellsOnceAndIsAnsweredThirtyTimesTheSame) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 100);
  Told told;
  tell(told, send_all(node.port(), std::vector(30, sell(node, item, 3))));
  EXPECT_EQ(told.statuses, (Statuses{{"stored", 1}, {"replayed", 29}}));
  EXPECT_EQ(told.lasting_parts.size(), 1U);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 97, .sold = 3, .entries = 1}));
}

TEST(OneKey, SentAtOnceWithTwoPayloadsRunsOneOfThem) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 100);
  const std::string key = fresh_key();
  std::vector<ApiCall> calls;
  for (int i = 0; i < 20; ++i) calls.push_back(sell(node, item, 1 + i % 2, key));
  int sold = 0;
  int refused = 0;
  for (const RawResponse& answer : send_all(node.port(), calls)) {
    sold += answer.status == 200 ? 1 : 0;
    refused += code_of(answer) == "idempotency_key_reused" ? 1 : 0;
  }
  EXPECT_EQ(sold, 10);
  EXPECT_EQ(refused, 10);
  EXPECT_EQ(stock_of(node, item).entries, 1);
}

TEST(OneKey, OfAnOrderSentTwentyTimesAtOnceMakesOneOrder) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 100);
  Told told;
  tell(told, send_all(node.port(), std::vector(20, order(node, R"([{"item_id":")" + item + R"(","quantity":4}])"))));
  EXPECT_EQ(told.statuses, (Statuses{{"stored", 1}, {"replayed", 19}}));
  EXPECT_EQ(told.lasting_parts.size(), 1U);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 96, .sold = 4, .entries = 1}));
}

// Half of each key's requests go to either node, at the same time.
class OneKeyOnTwoNodes : public testing::Test {
 protected:
  static void SetUpTestSuite() { second_ = new Node(beside(shared_node())); }
  static void TearDownTestSuite() {
    delete second_;
    second_ = nullptr;
  }

  static Told race(const std::vector<ApiCall>& calls) {
    Told told;
    std::vector<RawResponse> there;
    std::thread elsewhere([&] { there = send_all(second_->port(), calls); });
    tell(told, send_all(shared_node().port(), calls));
    elsewhere.join();
    tell(told, there);
    return told;
  }

  static inline Node* second_ = nullptr;
};

TEST_F(OneKeyOnTwoNodes, SellsOnceAndIsAnsweredTheSameByBoth) {
  const Node& node = shared_node();
  for (int round = 0; round < 10; ++round) {
    const std::string item = make_item(node, 100);
    const Told told = race(std::vector(10, sell(node, item, 1)));
    EXPECT_EQ(told.statuses, (Statuses{{"stored", 1}, {"replayed", 19}}));
    EXPECT_EQ(told.lasting_parts.size(), 1U);
    EXPECT_EQ(stock_of(node, item), (Stock{.available = 99, .sold = 1, .entries = 1}));
  }
}

// A creation locks no row of the inventory: here nothing but the key's own unique index holds the two apart.
TEST_F(OneKeyOnTwoNodes, CreatesOnceAlthoughNoRowStandsBetweenThem) {
  const Node& node = shared_node();
  for (int round = 0; round < 10; ++round) {
    const std::string name = "Raced Stool " + std::to_string(round);
    const ApiCall create{.method = "POST",
                         .path = "/api/inventory",
                         .token = node.token("clerk", "admin"),
                         .key = fresh_key(),
                         .body = R"({"name":")" + name + R"(","price":1.00})"};
    const Told told = race(std::vector(10, create));
    EXPECT_EQ(told.statuses, (Statuses{{"stored", 1}, {"replayed", 19}}));
    EXPECT_EQ(told.lasting_parts.size(), 1U);
    EXPECT_EQ(node.ask("SELECT count(*) FROM inventory WHERE name = $1", {name}), "1");
    EXPECT_EQ(node.ask("SELECT count(*) FROM audit_logs WHERE after LIKE '%' || $1 || '\"%'", {name}), "1");
  }
}

// Many keys at once, each on both nodes: what collides must not take its neighbours down with it.
TEST_F(OneKeyOnTwoNodes, HoldsForEachOfManyKeysInOneBatch) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 1000);
  std::vector<ApiCall> calls;
  for (int i = 0; i < 100; ++i) calls.push_back(sell(node, item, 1));
  const Told told = race(calls);
  EXPECT_EQ(told.statuses, (Statuses{{"stored", 100}, {"replayed", 100}}));
  EXPECT_EQ(told.lasting_parts.size(), 100U);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 900, .sold = 100, .entries = 100}));
}

TEST_F(OneKeyOnTwoNodes, IsReplayedByTheNodeThatNeverSawIt) {
  const Node& node = shared_node();
  const ApiCall sale = sell(node, make_item(node, 5), 1);
  const RawResponse here = node.call(sale);
  const RawResponse there = second_->call(sale);
  EXPECT_EQ(there.header("Idempotency-Status"), "replayed");
  EXPECT_EQ(lasting_part(there), lasting_part(here));
}

}  // namespace
}  // namespace tenon::test
