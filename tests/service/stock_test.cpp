// Stock under load: never oversold, never lost, and each sale with its audit entry, at every instant that anybody
// looks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "postgres/session.hpp"
#include "service/held_up.hpp"
#include "service/inventory.hpp"

namespace tenon::test {
namespace {

// Looks at an item over and over, each time in one snapshot of the database.
class Watch {
 public:
  Watch(std::string superuser, std::string item, int pieces)
      : superuser_(std::move(superuser)), item_(std::move(item)), pieces_(pieces), thread_([this] { run(); }) {}
  ~Watch() {
    if (thread_.joinable()) end();
  }
  void end() {
    done_ = true;
    thread_.join();
  }
  int looks = 0;            // how often it looked
  int looks_at_change = 0;  // and found another state than before: the sales were seen on their way
  std::string wrong;        // the first state that must not be; empty: none was seen

 private:
  void run() {
    postgres::Session session(superuser_);
    Stock before{.available = pieces_};
    while (!done_) {
      const auto rows = session.execute(
          "SELECT quantity_available, quantity_sold, (SELECT count(*) FROM audit_logs WHERE entity_id = i.id AND "
          "action = 'STOCK_DECREMENT') FROM inventory AS i WHERE id = $1",
          {item_});
      const Stock now{.available = std::stoi(rows.text(0, 0)),
                      .sold = std::stoi(rows.text(0, 1)),
                      .entries = std::stoi(rows.text(0, 2))};
      ++looks;
      looks_at_change += now == before ? 0 : 1;
      const bool good = now.available >= 0 && now.available + now.sold == pieces_ && now.sold == now.entries &&
                        now.sold >= before.sold;
      if (!good && wrong.empty()) wrong = testing::PrintToString(now);
      before = now;
    }
  }

  std::string superuser_;
  std::string item_;
  int pieces_;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

// A login, or the whole server, may have been given another level: sales at it would fail whenever two meet at an item.
TEST(Stock, IsSoldWhateverIsolationLevelTheLoginWasGiven) {
  const Node node;
  const std::string item = make_item(node, 2);
  EXPECT_EQ(node.call(sell(node, item, 1)).status, 200);
  postgres::Session superuser(node.superuser());
  superuser.execute("ALTER ROLE tenon_edge SET default_transaction_isolation = 'repeatable read'");
  superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenon_edge'");
  EXPECT_EQ(node.call(sell(node, item, 1)).status, 200);
}

// Nobody to share a batch with, no row to fight for: another thread's lane would cost two ways between threads.
TEST(Stock, IsSoldOverTheLaneOfTheClientsOwnThreadWhenNobodyElseBuys) {
  const Node node{{.arguments = {"--threads", "2", "--write-lanes", "1"}}};
  std::vector<std::string> items;
  for (int i = 0; i < 12; ++i) items.push_back(make_item(node, 1));
  RawClient client(node.port(), std::chrono::seconds(30));
  for (const std::string& item : items) {
    client.send(bytes_of(sell(node, item, 1)));
    EXPECT_EQ(client.read().status, 200);
  }
  EXPECT_EQ(node.ask("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%decrement_stock_atomic%'"
                     " AND pid <> pg_backend_pid()"),
            "1");
}

// An operation that is newer than the node, or wrong: who shares a batch with it is told what became of their own sale.
TEST(Stock, IsSoldBesideARefusalThatTheNodeDoesNotKnow) {
  const Node node{{.arguments = {"--threads", "1", "--write-lanes", "1"}}};
  const std::string item = make_item(node, 9);
  postgres::Session superuser(node.superuser());
  superuser.execute(query_value(node.superuser(),
                                "SELECT replace(pg_get_functiondef('tenon.decrement_item'::regproc),"
                                " 'insufficient_stock', 'refused_as_nobody_does')"));
  HeldUp first(node, sell(node, item, 1), "audit_logs", "decrement_stock_atomic");
  ASSERT_TRUE(first.held());
  std::vector<RawClient> clients;
  for (const int pieces : {1, 500, 1}) {
    clients.emplace_back(node.port(), std::chrono::seconds(30));
    clients.back().send(bytes_of(sell(node, item, pieces)));
  }
  ASSERT_TRUE(comes_to_hold(node, 4));
  first.let_go();
  EXPECT_EQ(first.client().read().status, 200);
  EXPECT_EQ(clients[0].read().status, 200);
  EXPECT_EQ(code_of(clients[1].read()), "internal_error");
  EXPECT_EQ(clients[2].read().status, 200);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 6, .sold = 3, .entries = 3}));
  EXPECT_THAT(node.log(), testing::HasSubstr("refusal_unknown"));
}

// Few sales go over one lane, and yet nobody buys later because somebody else's item is locked.
class StockBesideALockedItem : public testing::Test {
 protected:
  void SetUp() override {
    holder_.script("BEGIN");
    holder_.execute("SELECT FROM inventory WHERE id = $1 FOR UPDATE", {locked_});
    held_up_.send(bytes_of(sell(node_, locked_, 1)));
    ASSERT_TRUE(await_row(node_.superuser(), waiting_));
  }
  // Sells `count` of the items at once; is one of them sold while the sale that waits goes on waiting?
  void expect_sold_meanwhile(std::size_t count) {
    const std::string since = node_.ask(waiting_);
    for (std::size_t i = 0; i < count && looking_.execute(sold_).size() == 0; ++i) {
      clients_.emplace_back(node_.port(), std::chrono::seconds(30));
      clients_.back().send(bytes_of(sell(node_, items_.at(i), 1)));
    }
    EXPECT_TRUE(await_row(node_.superuser(), sold_));
    EXPECT_EQ(node_.ask(waiting_), since) << "they were only sold once it had waited in vain";
    holder_.script("ROLLBACK");
    EXPECT_EQ(held_up_.read().status, 200);
    for (RawClient& client : clients_) EXPECT_EQ(client.read().status, 200);
  }

  static std::vector<std::string> make_items(const Node& node) {
    std::vector<std::string> items;
    for (int i = 0; i < 200; ++i) items.push_back(make_item(node, 1));  // half of which belong to either lane
    return items;
  }

  const std::string waiting_ =
      "SELECT xact_start FROM pg_stat_activity WHERE usename = 'tenon_edge' AND wait_event_type = 'Lock'";
  const std::string sold_ = "SELECT FROM inventory WHERE quantity_sold = 1 LIMIT 1";
  const Node node_{{.arguments = {"--threads", "2", "--write-lanes", "1", "--gather", "100000"}}};
  const std::vector<std::string> items_ = make_items(node_);
  const std::string locked_ = make_item(node_, 1);
  postgres::Session holder_{node_.superuser()};
  postgres::Session looking_{node_.superuser()};
  RawClient held_up_{node_.port(), std::chrono::seconds(30)};
  std::vector<RawClient> clients_;
};

// Those who come in the first moments may be gathered behind it.
TEST_F(StockBesideALockedItem, IsSoldOverTheOtherLane) { expect_sold_meanwhile(items_.size()); }

// As few as come within such a moment.
TEST_F(StockBesideALockedItem, IsNotGatheredBehindItOnceMoreWhenItIsTriedAgain) {
  ASSERT_TRUE(await_row(node_.superuser(), waiting_ + " AND xact_start > '" + node_.ask(waiting_) + "'"));
  expect_sold_meanwhile(14);
}

TEST(Stock, Of500PiecesSellsExactly500WhenAThousandBuyAtOnce) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 500, "Last Chairs");
  std::vector<ApiCall> calls;
  for (int i = 0; i < 1000; ++i) calls.push_back(sell(node, item, 1));
  Watch watch(node.superuser(), item, 500);
  std::map<int, int> statuses;
  std::map<std::string, int> codes;
  for (const RawResponse& answer : send_all(node.port(), calls)) {
    ++statuses[answer.status];
    if (answer.status != 200) ++codes[code_of(answer)];
  }
  watch.end();
  EXPECT_EQ(statuses, (std::map<int, int>{{200, 500}, {409, 500}}));
  EXPECT_EQ(codes, (std::map<std::string, int>{{"insufficient_stock", 500}}));
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 0, .sold = 500, .entries = 500}));
  EXPECT_EQ(watch.wrong, "");
  EXPECT_GT(watch.looks, 0);
  RecordProperty("looks", watch.looks);
  RecordProperty("looks_at_change", watch.looks_at_change);
}

TEST(Stock, IsHeldOnTwoNodesAtOnce) {
  const Node& node = shared_node();
  const Node second(beside(node));
  const std::string item = make_item(node, 100);
  std::vector<ApiCall> here;
  std::vector<ApiCall> there;
  for (int i = 0; i < 100; ++i) {
    here.push_back(sell(node, item, 1));
    there.push_back(sell(node, item, 1));
  }
  Watch watch(node.superuser(), item, 100);
  std::vector<RawResponse> elsewhere;
  std::thread other([&] { elsewhere = send_all(second.port(), there); });
  std::vector<RawResponse> answers = send_all(node.port(), here);
  other.join();
  watch.end();
  answers.insert(answers.end(), elsewhere.begin(), elsewhere.end());
  std::map<int, int> statuses;
  for (const RawResponse& answer : answers) ++statuses[answer.status];
  EXPECT_EQ(statuses, (std::map<int, int>{{200, 100}, {409, 100}}));
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 0, .sold = 100, .entries = 100}));
  EXPECT_EQ(watch.wrong, "");
}

TEST(Stock, MovesBySalesRestocksAndEditsAtOnceAndAddsUp) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 50);
  std::vector<ApiCall> calls;
  for (int i = 0; i < 60; ++i) {
    calls.push_back(sell(node, item, 2));
    calls.push_back(change(node, item, R"({"increment":1})"));
    if (i % 10 == 0) calls.push_back(change(node, item, R"({"name":"Edited )" + std::to_string(i) + R"("})"));
  }
  int sales = 0;
  int restocks = 0;
  int edits = 0;
  const auto answers = send_all(node.port(), calls);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const bool done = answers[i].status == 200;
    EXPECT_TRUE(done || code_of(answers[i]) == "insufficient_stock") << answers[i].body;
    sales += done && calls[i].body.contains("decrement") ? 1 : 0;
    restocks += done && calls[i].body.contains("increment") ? 1 : 0;
    edits += done && calls[i].body.contains("name") ? 1 : 0;
  }
  EXPECT_EQ(restocks, 60);
  EXPECT_EQ(edits, 6);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 50 + restocks - 2 * sales, .sold = 2 * sales, .entries = sales}));
  EXPECT_EQ(node.ask("SELECT version FROM inventory WHERE id = $1", {item}),
            std::to_string(1 + sales + restocks + edits));
}

TEST(Stock, OfAnItemOfManyBuyersIsSoldWholeLargeAndSmall) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  EXPECT_EQ(node.call(sell(node, item, 11)).status, 409);
  EXPECT_EQ(node.call(sell(node, item, 10)).status, 200);
  EXPECT_EQ(node.call(sell(node, item, 1)).status, 409);
  const RawResponse unknown = node.call(sell(node, "01890000-0000-7000-8000-000000000000", 1));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(code_of(unknown), "not_found");
}

TEST(Sale, AnswersTheItemAsItStandsAfterIt) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 7);
  const RawResponse sold = node.call(sell(node, item, 3));
  ASSERT_EQ(sold.status, 200) << sold.body;
  EXPECT_EQ(at(sold.body, "id"), item);
  EXPECT_EQ(at(sold.body, "quantity_available"), "4");
  EXPECT_EQ(at(sold.body, "quantity_sold"), "3");
  EXPECT_EQ(at(sold.body, "version"), "2");
  EXPECT_EQ(at(sold.body, "price"), "129.00");
  EXPECT_EQ(sold.header("ETag"), "W/\"v2\"");
  EXPECT_EQ(node.call(get(node, "/api/inventory/" + item)).body, sold.body);
}

TEST(Sale, WritesOneAuditEntryOfWhatItChangedAndWhoAskedForIt) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 7);
  ApiCall sale = sell(node, item, 3, "audited");
  sale.headers = {{"X-Request-Id", "request-of-the-audited-sale"}};
  const RawResponse sold = node.call(sale);
  const std::string log = node.call(get(node, "/api/audit-logs?entity=" + item + "&action=STOCK_DECREMENT")).body;
  ASSERT_EQ(at(log, "items"), "[1]") << log;
  EXPECT_EQ(at(log, "items.0.id"), sold.header("Audit-Id").value_or(""));
  EXPECT_EQ(at(log, "items.0.actor"), "clerk");
  EXPECT_EQ(at(log, "items.0.role"), "admin");
  EXPECT_EQ(at(log, "items.0.entity_kind"), "item");
  EXPECT_EQ(at(log, "items.0.entity_id"), item);
  EXPECT_EQ(at(log, "items.0.request_id"), "request-of-the-audited-sale");
  EXPECT_EQ(at(log, "items.0.idempotency_key"), "audited");
  EXPECT_EQ(at(log, "items.0.before.quantity_available"), "7");
  EXPECT_EQ(at(log, "items.0.after.quantity_available"), "4");
  EXPECT_EQ(at(log, "items.0.after.quantity_sold"), "3");
}

// Sums the prices as the API wrote them: digits, not binary floating point.
TEST(Price, KeepsItsTwoPlaces) {
  const Node& node = shared_node();
  struct {
    const char* sent;
    const char* kept;
  } const rows[] = {{"0.01", "0.01"},
                    {"0.1", "0.10"},
                    {"1", "1.00"},
                    {"9999999999.99", "9999999999.99"},
                    {"1234567.89", "1234567.89"},
                    {"0.29", "0.29"}};
  for (const auto& row : rows) {
    const RawResponse made = node.call({.method = "POST",
                                        .path = "/api/inventory",
                                        .token = node.token("clerk", "admin"),
                                        .key = fresh_key(),
                                        .body = std::string(R"({"name":"Priced","price":)") + row.sent + "}"});
    EXPECT_EQ(at(made.body, "price"), row.kept) << row.sent;
  }
}

}  // namespace
}  // namespace tenon::test
