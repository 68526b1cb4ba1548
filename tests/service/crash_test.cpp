// The instants at which a node or its connection can be lost, hit one by one: whatever happens, a command runs once and
// its sender can find out.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "postgres/session.hpp"
#include "service/inventory.hpp"
#include "support/database_proxy.hpp"

namespace tenon::test {
namespace {

using Fault = DatabaseProxy::Fault;
using std::chrono::seconds;

// A node whose way to the database leads through a proxy, on the shared node's database. The shared node itself has a
// way of its own: it is the second node.
class Crash : public testing::Test {
 protected:
  Crash() : proxy_(shared_node().socket_folder()) { start(); }

  void start(const std::vector<std::string>& arguments = {}) {
    NodeSettings settings = beside(shared_node());
    settings.database_url = Node::conninfo(proxy_.socket_folder(), "tenon_edge");
    settings.arguments.insert(settings.arguments.end(), arguments.begin(), arguments.end());
    node_.emplace(settings);
  }

  // Until so many commands wait in the node's lanes or run. False: not in time.
  [[nodiscard]] bool await_queued(int commands) const {
    const Monotonic until = monotonic_now() + seconds(20);
    while (monotonic_now() < until) {
      if (node_->call({.path = "/metrics"}).body.contains(fmt::format("tenon_lane_queue {}\n", commands))) return true;
    }
    return false;
  }

  const Node& second_ = shared_node();
  DatabaseProxy proxy_;
  std::optional<Node> node_;
};

TEST_F(Crash, OfTheNodeBetweenCommitAndAnswerLeavesTheAnswerToTheSecondNode) {
  const std::string item = make_item(second_, 5);
  const ApiCall sale = sell(*node_, item, 2, "lost-between-commit-and-answer");
  RawClient client(node_->port(), seconds(15));
  proxy_.arm(sale.key, Fault::hold_answer);
  client.send(bytes_of(sale));
  ASSERT_TRUE(proxy_.await_fault());
  ASSERT_EQ(stock_of(second_, item), (Stock{.available = 3, .sold = 2, .entries = 1})) << "committed, not answered";
  node_->kill_hard();
  EXPECT_TRUE(client.closed()) << "no answer came";

  const RawResponse retried = second_.call(sale);
  EXPECT_EQ(retried.status, 200) << retried.body;
  EXPECT_EQ(retried.header("Idempotency-Status"), "replayed");
  EXPECT_EQ(at(retried.body, "quantity_available"), "3");
  EXPECT_EQ(stock_of(second_, item), (Stock{.available = 3, .sold = 2, .entries = 1}));
}

TEST_F(Crash, OfTheNodeBeforeTheStatementLeavesNothingAndTheRetryRunsIt) {
  const std::string item = make_item(second_, 5);
  const ApiCall sale = sell(*node_, item, 2, "lost-before-the-statement");
  RawClient client(node_->port(), seconds(15));
  proxy_.arm(sale.key, Fault::hold_statement);
  client.send(bytes_of(sale));
  ASSERT_TRUE(proxy_.await_fault());
  node_->kill_hard();
  EXPECT_EQ(stock_of(second_, item), (Stock{.available = 5}));
  const RawResponse retried = second_.call(sale);
  EXPECT_EQ(retried.header("Idempotency-Status"), "stored");
  EXPECT_EQ(stock_of(second_, item), (Stock{.available = 3, .sold = 2, .entries = 1}));
}

// The node dies while its statement waits for a row: its backend, which nobody has told, still does the work. The retry
// must wait for that row, not run beside it.
TEST_F(Crash, OfTheNodeWhileTheDatabaseStillWorksIsWaitedForByTheRetry) {
  const std::string item = make_item(second_, 5);
  const ApiCall sale = sell(*node_, item, 2, "lost-while-running");
  postgres::Session blocker(second_.superuser());
  blocker.script("BEGIN");
  blocker.execute("SELECT FROM inventory WHERE id = $1 FOR UPDATE", {item});
  proxy_.arm(sale.key, Fault::cut_at_once);
  RawClient client(node_->port(), seconds(15));
  client.send(bytes_of(sale));
  ASSERT_TRUE(proxy_.await_fault());
  node_->kill_hard();
  auto retried = std::async(std::launch::async, [&] { return second_.call(sale); });
  ASSERT_TRUE(await_row(second_.superuser(),
                        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'tenon_edge' "
                        "HAVING count(*) = 2"));
  blocker.script("COMMIT");
  const RawResponse answer = retried.get();
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(stock_of(second_, item), (Stock{.available = 3, .sold = 2, .entries = 1}));
}

struct Cut {
  const char* name;
  Fault fault;
};
class CutConnection : public Crash, public testing::WithParamInterface<Cut> {};

// Only the connection is lost: the same node finds out by key, and its client never hears of it.
TEST_P(CutConnection, IsMadeGoodWithinTheSameRequest) {
  const std::string item = make_item(second_, 5);
  const ApiCall sale = sell(*node_, item, 2, std::string("cut-") + GetParam().name);
  proxy_.arm(sale.key, GetParam().fault);
  RawClient client(node_->port(), seconds(12));  // the request's deadline is 10 s
  client.send(bytes_of(sale));
  ASSERT_TRUE(proxy_.await_fault());
  proxy_.cut();
  const RawResponse answer = client.read();
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Idempotency-Status"), "stored") << "to this client it is the first answer";
  EXPECT_EQ(stock_of(second_, item), (Stock{.available = 3, .sold = 2, .entries = 1}));
  const RawResponse again = node_->call(sale);
  EXPECT_EQ(again.header("Idempotency-Status"), "replayed");
  EXPECT_EQ(lasting_part(again), lasting_part(answer));
  EXPECT_THAT(node_->call({.path = "/metrics"}).body,
              testing::HasSubstr("tenon_retried_commands_total{reason=\"connection\"} 1"));
}

INSTANTIATE_TEST_SUITE_P(At, CutConnection,
                         testing::Values(Cut{"BeforeTheStatement", Fault::hold_statement},
                                         Cut{"WhileItRuns", Fault::cut_at_once},
                                         Cut{"AfterTheCommit", Fault::hold_answer}),
                         [](const auto& row) { return std::string(row.param.name); });

// A write without a key is retried too, under the key that the node gave it.
TEST_F(Crash, OfTheConnectionIsMadeGoodForAWriteWithoutAKeyToo) {
  const std::string item = make_item(second_, 5);
  proxy_.arm("node:", Fault::hold_answer);
  RawClient client(node_->port(), seconds(12));
  client.send(
      bytes_of({.method = "DELETE", .path = "/api/inventory/" + item, .token = node_->token("clerk", "admin")}));
  ASSERT_TRUE(proxy_.await_fault());
  proxy_.cut();
  EXPECT_EQ(client.read().status, 204) << "not 404: it was this very request that deleted it";
  EXPECT_EQ(second_.ask("SELECT count(*) FROM audit_logs WHERE entity_id = $1 AND action = 'DELETE_ITEM'", {item}),
            "1");
}

// A whole batch is lost after its commit: each of its senders gets its own answer.
TEST_F(Crash, OfTheConnectionUnderAWholeBatchIsMadeGoodForEachCommand) {
  start({"--threads", "1", "--write-lanes", "1"});
  const std::string item = make_item(second_, 100);
  std::vector<ApiCall> calls;
  for (int i = 0; i < 40; ++i) calls.push_back(sell(*node_, item, 1, "batch-" + std::to_string(i)));
  // While the blocker holds the row, the first sale is under way alone and the others gather behind it.
  postgres::Session blocker(second_.superuser());
  blocker.script("BEGIN");
  blocker.execute("SELECT FROM inventory WHERE id = $1 FOR UPDATE", {item});
  RawClient first(node_->port(), seconds(15));
  first.send(bytes_of(calls.front()));
  ASSERT_TRUE(await_row(second_.superuser(), "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"));
  proxy_.arm("batch-39", Fault::hold_answer);
  const std::vector<ApiCall> rest(calls.begin() + 1, calls.end());
  auto answers = std::async(std::launch::async, [&] { return send_all(node_->port(), rest); });
  ASSERT_TRUE(await_queued(40));
  blocker.script("COMMIT");
  ASSERT_TRUE(proxy_.await_fault());
  proxy_.cut();
  EXPECT_EQ(first.read().status, 200);
  for (const RawResponse& answer : answers.get()) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.header("Idempotency-Status"), "stored");
  }
  EXPECT_THAT(node_->call({.path = "/metrics"}).body,
              testing::HasSubstr("tenon_retried_commands_total{reason=\"connection\"} 39"));
  EXPECT_EQ(stock_of(second_, item), (Stock{.available = 60, .sold = 40, .entries = 40}));
}

TEST(KilledNode, StartsAgainOnItsDataWithAllThatItAcknowledged) {
  Node first;
  const std::string item = make_item(first, 50);
  std::vector<ApiCall> calls;
  for (int i = 0; i < 40; ++i) calls.push_back(sell(first, item, 1));
  std::vector<RawResponse> answers = send_all(first.port(), calls);
  const std::string token = first.token("clerk", "admin");
  first.kill_hard();

  const Node again({.data_dir = first.data_dir()});
  EXPECT_EQ(stock_of(again, item), (Stock{.available = 10, .sold = 40, .entries = 40}));
  for (std::size_t i = 0; i < calls.size(); i += 13) {
    const RawResponse replayed = again.call(calls[i]);  // with the old token: the secret was kept
    EXPECT_EQ(replayed.header("Idempotency-Status"), "replayed") << replayed.body;
    EXPECT_EQ(lasting_part(replayed), lasting_part(answers[i]));
  }
}

// Killed in the middle of a storm of sales: what was acknowledged is there, and nothing is there by half.
TEST(KilledNode, LosesNoSaleThatItAcknowledgedAndKeepsNoneByHalf) {
  Node first;
  const std::string item = make_item(first, 100'000);
  std::vector<ApiCall> calls;
  for (int i = 0; i < 64; ++i) calls.push_back(sell(first, item, 1));
  std::vector<RawClient> clients;
  clients.reserve(calls.size());
  for (const ApiCall& call : calls) {
    clients.emplace_back(first.port(), seconds(15));
    clients.back().send(bytes_of(call));
  }
  ASSERT_EQ(clients.front().read().status, 200);  // the storm has begun; the rest of it is under way
  first.program().signal(SIGKILL);
  std::vector<std::size_t> acknowledged{0};
  for (std::size_t i = 1; i < clients.size(); ++i) {
    try {
      if (clients[i].read().status == 200) acknowledged.push_back(i);
    } catch (const RawClientError&) {  // it never got an answer: it may have been sold or not
    }
  }
  first.kill_hard();
  const Node again({.data_dir = first.data_dir()});
  const Stock stock = stock_of(again, item);
  EXPECT_GE(stock.sold, static_cast<int>(acknowledged.size()));
  EXPECT_EQ(stock.available, 100'000 - stock.sold);
  EXPECT_EQ(stock.entries, stock.sold);
  EXPECT_EQ(again.ask("SELECT count(*) FROM idempotency_keys WHERE scope = 'inventory:update'"),
            std::to_string(stock.sold));
  for (const std::size_t i : acknowledged) EXPECT_EQ(again.call(calls[i]).header("Idempotency-Status"), "replayed");
  for (const ApiCall& call : calls) EXPECT_EQ(again.call(call).status, 200);
  EXPECT_EQ(stock_of(again, item).sold, 64);
  RecordProperty("acknowledged", static_cast<int>(acknowledged.size()));
  RecordProperty("sold", stock.sold);
}

}  // namespace
}  // namespace tenon::test
