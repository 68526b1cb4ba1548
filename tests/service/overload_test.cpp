// More work than the node can do: what is beyond its queue is told so at once, what is in it is done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "postgres/session.hpp"
#include "service/held_up.hpp"
#include "service/inventory.hpp"

namespace tenon::test {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

constexpr int queue = 8;  // of the node's one lane

// One lane, whose first sale waits for a lock: nothing gets done until it is let go.
class Overload : public testing::Test {
 protected:
  // Sales that wait in the lane behind the one that is held up, until it is full.
  void fill() {
    ASSERT_TRUE(held_.held()) << "the first sale never came to wait";
    for (int i = 1; i < queue; ++i) {
      waiting_.emplace_back(node_.port(), seconds(30));
      waiting_.back().send(bytes_of(sell(node_, item_, 1)));
    }
    ASSERT_TRUE(comes_to_hold(node_, queue)) << node_.call({.path = "/metrics"}).body;
  }

  Node node_{{.arguments = {"--threads", "1", "--write-lanes", "1", "--queue", std::to_string(queue)}}};
  std::string item_ = make_item(node_, 1000);
  HeldUp held_{node_, sell(node_, item_, 1), "audit_logs", "decrement_stock_atomic"};
  std::vector<RawClient> waiting_;
};

TEST_F(Overload, IsAnsweredAtOnceWithAMomentToComeBack) {
  fill();
  const ApiCall beyond = sell(node_, item_, 1);
  const RawResponse refused = node_.call(beyond);
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("\"code\":\"overloaded\""));
  EXPECT_GE(std::stoi(refused.header("Retry-After").value_or("0")), 1);
  EXPECT_EQ(refused.header("Idempotency-Status"), std::nullopt) << "nothing ran, nothing is stored";

  held_.let_go();
  EXPECT_EQ(held_.client().read().status, 200);
  for (RawClient& client : waiting_) EXPECT_EQ(client.read().status, 200) << "what was admitted is done";
  EXPECT_EQ(node_.call(beyond).status, 200) << "the same key, once there is room";
  EXPECT_EQ(stock_of(node_, item_), (Stock{1000 - queue - 1, queue + 1, queue + 1}));
}

TEST_F(Overload, OfWritesLeavesReadsAndHealthAlone) {
  fill();
  EXPECT_EQ(node_.call(sell(node_, item_, 1)).status, 503);
  EXPECT_EQ(node_.call(get(node_, "/api/inventory/" + item_)).status, 200);
  EXPECT_EQ(node_.call({.path = "/readyz"}).status, 200) << "a busy node is not to be taken out of service";
  held_.let_go();
}

TEST_F(Overload, NeverHoldsMoreThanItsQueue) {
  fill();
  std::vector<ApiCall> flood;
  for (int i = 0; i < 200; ++i) flood.push_back(sell(node_, item_, 1));
  for (const RawResponse& answer : send_all(node_.port(), flood)) EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(comes_to_hold(node_, queue));
  held_.let_go();
  EXPECT_EQ(held_.client().read().status, 200);
  for (RawClient& client : waiting_) EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(stock_of(node_, item_).sold, queue) << "what was refused did not run";
}

// Of two lanes one is full: it refuses what goes over it, and what goes over the other is sold.
TEST(AFullLane, LeavesTheOtherOneToItsOwnItems) {
  const Node node({.arguments = {"--threads", "2", "--write-lanes", "1", "--gather", "0", "--queue", "1"}});
  const std::string locked = make_item(node, 1);
  std::vector<std::string> others;  // each lane has some of them, but for once in half a million runs
  for (int i = 0; i < 20; ++i) others.push_back(make_item(node, 1));
  postgres::Session holder(node.superuser());
  holder.script("BEGIN");
  holder.execute("SELECT FROM inventory WHERE id = $1 FOR UPDATE", {locked});
  RawClient held_up(node.port(), seconds(30));
  held_up.send(bytes_of(sell(node, locked, 1)));
  ASSERT_TRUE(comes_to_hold(node, 1));

  std::map<int, int> answers;
  for (const std::string& item : others) ++answers[node.call(sell(node, item, 1)).status];
  EXPECT_GE(answers[200], 1);
  EXPECT_GE(answers[503], 1);
  EXPECT_EQ(answers.size(), 2U) << testing::PrintToString(answers);
  holder.script("ROLLBACK");
  EXPECT_EQ(held_up.read().status, 200);
}

}  // namespace
}  // namespace tenon::test
