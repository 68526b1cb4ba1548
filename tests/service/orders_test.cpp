// Orders: several items in one transaction, all or nothing, in whatever order the lines come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include "service/inventory.hpp"

namespace tenon::test {
namespace {

std::string line(const std::string& item, int quantity) {
  return R"({"item_id":")" + item + R"(","quantity":)" + std::to_string(quantity) + "}";
}

std::string lines(const std::vector<std::string>& each) {
  std::string text = "[";
  for (const std::string& one : each) text += (text.size() > 1 ? "," : "") + one;
  return text + "]";
}

TEST(Order, SellsAllItsLinesAndAddsThemUp) {
  const Node& node = shared_node();
  const std::string chair = make_item(node, 10, "Chair");
  const std::string table = make_item(node, 5, "Table");
  const RawResponse made = node.call(order(node, lines({line(table, 2), line(chair, 3)})));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(at(made.body, "lines"), "[2]");
  EXPECT_EQ(at(made.body, "lines.0.item_id"), table);
  EXPECT_EQ(at(made.body, "lines.1.quantity"), "3");
  EXPECT_EQ(at(made.body, "lines.1.quantity_available"), "7");
  EXPECT_EQ(at(made.body, "lines.1.line_total"), "387.00");
  EXPECT_EQ(at(made.body, "total"), "645.00");
  EXPECT_EQ(stock_of(node, chair), (Stock{.available = 7, .sold = 3, .entries = 1}));
  EXPECT_EQ(stock_of(node, table), (Stock{.available = 3, .sold = 2, .entries = 1}));
  EXPECT_EQ(node.ask("SELECT count(*) FROM audit_logs WHERE after::json ->> 'order_id' = $1", {at(made.body, "id")}),
            "2");
}

TEST(Order, WithShortLinesSellsNothingAndNamesEachOfThem) {
  const Node& node = shared_node();
  const std::string plenty = make_item(node, 100);
  const std::string few = make_item(node, 2);
  const std::string none = make_item(node, 0);
  const RawResponse refused = node.call(order(node, lines({line(plenty, 1), line(few, 3), line(none, 1)})));
  ASSERT_EQ(refused.status, 409) << refused.body;
  EXPECT_EQ(code_of(refused), "insufficient_stock");
  EXPECT_EQ(at(refused.body, "lines"), "[2]");
  EXPECT_EQ(at(refused.body, "lines.0.line"), "1");
  EXPECT_EQ(at(refused.body, "lines.0.item_id"), few);
  EXPECT_EQ(at(refused.body, "lines.0.requested"), "3");
  EXPECT_EQ(at(refused.body, "lines.0.available"), "2");
  EXPECT_EQ(at(refused.body, "lines.1.line"), "2");
  EXPECT_EQ(at(refused.body, "lines.1.available"), "0");
  EXPECT_EQ(stock_of(node, plenty), (Stock{.available = 100}));
  EXPECT_EQ(stock_of(node, few), (Stock{.available = 2}));
}

TEST(Order, WithUnknownItemsIs404AndNamesTheirLines) {
  const Node& node = shared_node();
  const std::string known = make_item(node, 5);
  const std::string unknown = "01890000-0000-7000-8000-000000000001";
  const RawResponse refused = node.call(order(node, lines({line(known, 1), line(unknown, 1)})));
  ASSERT_EQ(refused.status, 404) << refused.body;
  EXPECT_EQ(at(refused.body, "lines"), "[1]");
  EXPECT_EQ(at(refused.body, "lines.0.line"), "1");
  EXPECT_EQ(at(refused.body, "lines.0.item_id"), unknown);
  EXPECT_EQ(stock_of(node, known), (Stock{.available = 5}));
}

TEST(Order, CountsLinesOfOneItemTogether) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 5);
  const RawResponse refused = node.call(order(node, lines({line(item, 3), line(item, 3)})));
  ASSERT_EQ(refused.status, 409) << refused.body;
  EXPECT_EQ(at(refused.body, "lines.0.line"), "1");
  EXPECT_EQ(at(refused.body, "lines.0.available"), "2");
  ASSERT_EQ(node.call(order(node, lines({line(item, 3), line(item, 2)}))).status, 201);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 0, .sold = 5, .entries = 2}));
}

TEST(Order, MayHaveAHundredLines) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 100);
  EXPECT_EQ(node.call(order(node, lines(std::vector(100, line(item, 1))))).status, 201);
  EXPECT_EQ(node.call(order(node, lines(std::vector(101, line(item, 1))))).status, 422);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 0, .sold = 100, .entries = 100}));
}

// Thirty orders at once over the same five items, each in another order of lines, with single sales between them: locks
// taken in the order of the lines would wait for each other in a ring.
TEST(Orders, ThatOverlapNeverDeadlockAndTheStockAddsUp) {
  const Node& node = shared_node();
  const Node second(beside(node));
  std::vector<std::string> items;
  for (int i = 0; i < 5; ++i) items.push_back(make_item(node, 40));
  const std::string deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = 'tenon'";
  const std::string deadlocks_before = node.ask(deadlocks);

  std::vector<std::string> permutation = items;
  std::ranges::sort(permutation);
  std::vector<ApiCall> calls;
  for (int i = 0; i < 30; ++i) {
    std::vector<std::string> each;
    for (const std::string& item : permutation) each.push_back(line(item, 1 + i % 2));
    calls.push_back(order(node, lines(each)));
    calls.push_back(sell(node, items[static_cast<std::size_t>(i) % 5], 1));
    for (int n = 0; n < 7; ++n) std::ranges::next_permutation(permutation);
  }
  std::vector<ApiCall> here(calls.begin(), calls.begin() + 30);
  std::vector<ApiCall> there(calls.begin() + 30, calls.end());
  std::vector<RawResponse> answers;
  {
    std::vector<RawResponse> elsewhere;
    std::thread other([&] { elsewhere = send_all(second.port(), there); });
    answers = send_all(node.port(), here);
    other.join();
    answers.insert(answers.end(), elsewhere.begin(), elsewhere.end());
  }

  std::map<std::string, int> sold;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const bool done = answers[i].status == 200 || answers[i].status == 201;
    EXPECT_TRUE(done || code_of(answers[i]) == "insufficient_stock") << answers[i].body;
    if (answers[i].status == 200) sold[at(answers[i].body, "id")] += 1;
    if (answers[i].status != 201) continue;
    for (const std::string& item : items) sold[item] += std::stoi(at(answers[i].body, "lines.0.quantity"));
  }
  for (const std::string& item : items) {
    const Stock stock = stock_of(node, item);
    EXPECT_EQ(stock.sold, sold[item]);
    EXPECT_EQ(stock.available, 40 - sold[item]);
  }
  EXPECT_EQ(node.ask(deadlocks), deadlocks_before);
  for (const Node* each : {&node, &second}) {
    EXPECT_EQ(each->call({.path = "/metrics"}).body.find("reason=\"contention\""), std::string::npos);
  }
}

}  // namespace
}  // namespace tenon::test
