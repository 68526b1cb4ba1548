// The black market: a unit is sold once, a double click buys once.
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "postgres/session.hpp"
#include "service/business.hpp"
#include "service/held_up.hpp"

namespace tenon::test {
namespace {

// Everything about an item, as the superuser sees it.
std::string books_of(const Node& node, const std::string& item) {
  return node.ask(
      "SELECT format('%s left, %s sold, %s, %s bought by %s, %s entries, %s of them turned it Sold', i.quantity, "
      "i.quantity_sold, i.status, (SELECT coalesce(sum(quantity), 0) FROM market_purchases WHERE item_id = i.id), "
      "(SELECT count(DISTINCT buyer_id) FROM market_purchases WHERE item_id = i.id), "
      "(SELECT count(*) FROM audit_logs WHERE entity_id = i.id AND action = 'PURCHASE_MARKET_ITEM'), "
      "(SELECT count(*) FROM audit_logs WHERE entity_id = i.id AND after::json ->> 'status' = 'Sold' "
      "AND before::json ->> 'status' = 'Active')) FROM market_items AS i WHERE id = $1",
      {item});
}

// Each node's calls from a thread of its own.
std::map<int, int> raced(const Node& a, const Node& b, const std::vector<ApiCall>& calls) {
  std::vector<ApiCall> shares[2];
  for (std::size_t i = 0; i < calls.size(); ++i) shares[i % 2].push_back(calls[i]);
  std::vector<RawResponse> answers[2];
  std::thread other([&] { answers[1] = send_all(b.port(), shares[1]); });
  answers[0] = send_all(a.port(), shares[0]);
  other.join();
  std::map<int, int> statuses;
  for (const auto& share : answers) {
    for (const RawResponse& answer : share) ++statuses[answer.status];
  }
  return statuses;
}

TEST(AMarketItem, IsActiveAndOfMiddlingRiskUnlessSaidOtherwise) {
  const Node& node = shared_node();
  const std::string item = make_market_item(node, "seller", 3);
  EXPECT_EQ(at(item, "sellerId"), "seller");
  EXPECT_EQ(at(item, "status"), "Active");
  EXPECT_EQ(at(item, "riskScore"), "50");
  EXPECT_EQ(at(item, "quantitySold"), "0");
  EXPECT_EQ(audited(node, id_of(item)), "CREATE_MARKET_ITEM 1");
}

TEST(APurchase, OfTwoHundredBuyersAndAHundredUnitsSellsEachUnitOnce) {
  const Node& node = shared_node();
  const Node second(beside(node));
  const std::string item = id_of(make_market_item(node, "seller", 100));
  std::vector<ApiCall> calls;
  for (int i = 0; i < 200; ++i) calls.push_back(purchase(node, "buyer-" + std::to_string(i), item, 1));
  EXPECT_EQ(raced(node, second, calls), (std::map<int, int>{{201, 100}, {409, 100}}));
  EXPECT_EQ(books_of(node, item), "0 left, 100 sold, Sold, 100 bought by 100, 100 entries, 1 of them turned it Sold");
}

TEST(APurchase, OfDifferentQuantitiesNeverSellsMoreThanThereIs) {
  const Node& node = shared_node();
  const Node second(beside(node));
  const std::string item = id_of(make_market_item(node, "seller", 100));
  std::vector<ApiCall> calls;
  for (int i = 0; i < 90; ++i) calls.push_back(purchase(node, "buyer-" + std::to_string(i), item, 1 + i % 4));
  std::map<int, int> statuses = raced(node, second, calls);
  EXPECT_EQ(statuses[201] + statuses[409], 90);
  EXPECT_EQ(
      node.ask("SELECT quantity + quantity_sold = 100 AND quantity >= 0 AND quantity_sold = (SELECT sum(quantity) "
               "FROM market_purchases WHERE item_id = i.id) AND (status = 'Sold') = (quantity = 0) "
               "FROM market_items AS i WHERE id = $1",
               {item}),
      "t");
}

TEST(APurchase, ByADoubleClickBuysOnce) {
  const Node& node = shared_node();
  const Node second(beside(node));
  const std::string item = id_of(make_market_item(node, "seller", 100));
  const ApiCall click = with_key(purchase(node, "buyer", item, 3), "double-click");
  EXPECT_EQ(raced(node, second, std::vector<ApiCall>(20, click)), (std::map<int, int>{{201, 20}}));
  const RawResponse again = second.call(click);
  EXPECT_EQ(again.header("Idempotency-Status"), "replayed");
  EXPECT_EQ(books_of(node, item), "97 left, 3 sold, Active, 3 bought by 1, 1 entries, 0 of them turned it Sold");
}

TEST(APurchase, IsHeldInEscrowAtThePriceOfTheItem) {
  const Node& node = shared_node();
  const std::string item = id_of(make_market_item(node, "seller", 1'000'000, "999999.99"));
  const RawResponse bought =
      node.call(as(node, "buyer", "POST", "/api/crime/black-market/" + item + "/purchase",
                   R"({"quantity":999999,"deliveryMethod":"Shipping","meetupLocation":"Pier 7"})"));
  EXPECT_EQ(bought.status, 201);
  EXPECT_EQ(bought.body, R"({"itemId":")" + item +
                             R"(","quantity":999999,"totalPrice":999998990000.01,"escrowStatus":"Pending",)"
                             R"("deliveryMethod":"Shipping"})");
  EXPECT_EQ(bought.header("ETag"), "W/\"v2\"") << "the item's new version";
  EXPECT_EQ(node.ask("SELECT meetup_location || ' ' || escrow_status || ' ' || buyer_id FROM market_purchases "
                     "WHERE item_id = $1",
                     {item}),
            "Pier 7 Pending buyer");
  const RawResponse read = node.call(as(node, "anybody", "GET", "/api/crime/black-market/" + item));
  EXPECT_EQ(at(read.body, "quantity"), "1");
  EXPECT_EQ(at(read.body, "pricePerUnit"), "999999.99");
  EXPECT_EQ(read.header("ETag"), "W/\"v2\"");
  EXPECT_TRUE(read.header("Last-Modified").has_value());
}

TEST(APurchase, WhoseNodeAndDatabaseAreKilledInTheMiddleLeavesNothingAndCanBeSentAgain) {
  const TemporaryFolder folder;
  std::optional<Node> node(std::in_place, NodeSettings{.data_dir = folder.path() / "d"});
  const std::string item = id_of(make_market_item(*node, "seller", 5));
  const ApiCall call = with_key(purchase(*node, "buyer", item, 5), "in-the-middle");
  {
    HeldUp bought(*node, call, "audit_logs", "purchase_market_item");
    ASSERT_TRUE(bought.held());
    bought.freeze();
    node->kill_hard();
    EXPECT_TRUE(bought.client().closed());
  }
  node.emplace(NodeSettings{.data_dir = folder.path() / "d"});
  EXPECT_EQ(books_of(*node, item), "5 left, 0 sold, Active, 0 bought by 0, 0 entries, 0 of them turned it Sold");
  const RawResponse again = node->call(call);
  EXPECT_EQ(again.status, 201) << again.body;
  EXPECT_EQ(again.header("Idempotency-Status"), "stored");
  EXPECT_EQ(books_of(*node, item), "0 left, 5 sold, Sold, 5 bought by 1, 1 entries, 1 of them turned it Sold");
}

TEST(APurchase, IsRefusedWithWhatIsInItsWay) {
  const Node& node = shared_node();
  const std::string item = id_of(make_market_item(node, "seller", 2));
  const RawResponse too_many = node.call(purchase(node, "buyer", item, 3));
  EXPECT_EQ(too_many.status, 409);
  EXPECT_EQ(code_of(too_many), "insufficient_stock");
  EXPECT_EQ(at(too_many.body, "available"), "2");
  EXPECT_EQ(at(too_many.body, "requested"), "3");
  const RawResponse unknown = node.call(purchase(node, "buyer", "01890000-0000-7000-8000-000000000000", 1));
  EXPECT_EQ(unknown.status, 404);
  for (const char* status : {"Seized", "Removed"}) {
    meddle(node, std::string("UPDATE market_items SET status = '") + status + "' WHERE id = '" + item + "'");
    const RawResponse inactive = node.call(purchase(node, "buyer", item, 1));
    EXPECT_EQ(inactive.status, 409) << status;
    EXPECT_EQ(code_of(inactive), "not_active");
    EXPECT_EQ(at(inactive.body, "itemStatus"), status);
  }
  EXPECT_EQ(books_of(node, item), "2 left, 0 sold, Removed, 0 bought by 0, 0 entries, 0 of them turned it Sold");
}

TEST(TheMarket, IsListedByCategoryStatusSellerAndState) {
  const Node node;
  const std::string sold = id_of(make_market_item(node, "s1", 1));
  const std::string open = id_of(make_market_item(node, "s2", 1));
  ASSERT_EQ(node.call(purchase(node, "buyer", sold, 1)).status, 201);
  const auto found = [&](const std::string& query) {
    const std::string body = node.call(as(node, "anybody", "GET", "/api/crime/black-market" + query)).body;
    return at(body, "items") + (at(body, "next_cursor") == "null" ? "" : "+");
  };
  EXPECT_EQ(found(""), "[2]");
  EXPECT_EQ(found("?limit=1"), "[1]+");
  EXPECT_EQ(found("?limit=1&cursor=" + sold), "[1]");
  EXPECT_EQ(found("?status=Sold"), "[1]");
  EXPECT_EQ(found("?sellerId=s2&status=Active&state=NY&category=Counterfeits"), "[1]");
  EXPECT_EQ(found("?category=Weapons"), "[0]");
  EXPECT_EQ(found("?state=CA"), "[0]");
  EXPECT_EQ(found("?sellerId=s3"), "[0]");
}

}  // namespace
}  // namespace tenon::test
