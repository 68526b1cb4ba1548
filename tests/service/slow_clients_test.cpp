// Clients that keep a connection busy without getting on: in the middle of a header, in the middle of a body, or with
// answers that they never read. They cost the node a connection each; the others' requests are answered all the same.
#include <gtest/gtest.h>

#include "service/inventory.hpp"

namespace tenon::test {
namespace {

using std::chrono::seconds;

constexpr int slow_clients = 250;  // of each kind
constexpr int honest_calls = 40;

void expect_that_others_are_answered(const Node& node) {
  const std::string item = make_item(node, 1000);
  for (int call = 0; call < honest_calls; ++call) {
    EXPECT_EQ(node.call(sell(node, item, 1), seconds(30)).status, 200);
    EXPECT_EQ(node.call(get(node, "/api/inventory/" + item), seconds(30)).status, 200);
  }
  EXPECT_EQ(stock_of(node, item).sold, honest_calls);
}

// Each sends `bytes`, and then nothing.
std::vector<RawClient> stuck(const Node& node, const std::string& bytes) {
  std::vector<RawClient> clients;
  for (int i = 0; i < slow_clients; ++i) {
    clients.emplace_back(node.port(), seconds(30));
    clients.back().send(bytes);
  }
  return clients;
}

TEST(SlowClients, InTheMiddleOfAHeaderLeaveTheOthersAlone) {
  const Node& node = shared_node();
  const auto clients = stuck(node, "GET /api/inventory HTTP/1.1\r\nHost: h\r\nX-A: b");
  expect_that_others_are_answered(node);
}

TEST(SlowClients, InTheMiddleOfABodyLeaveTheOthersAloneAndSellNothing) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  std::string bytes = bytes_of(sell(node, item, 1));
  bytes.pop_back();
  const auto clients = stuck(node, bytes);
  expect_that_others_are_answered(node);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 10, .sold = 0, .entries = 0}));
}

TEST(SlowClients, ThatDoNotReadTheirAnswersLeaveTheOthersAlone) {
  const Node& node = shared_node();
  std::string bytes;  // more answers than a connection's buffers hold would take a while: enough to fill some
  for (int i = 0; i < 10; ++i) bytes += "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";
  const auto clients = stuck(node, bytes);
  expect_that_others_are_answered(node);
}

}  // namespace
}  // namespace tenon::test
