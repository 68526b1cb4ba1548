// Businesses and what is the caller's own, as clients see them: made, read, listed, changed, deleted.
#include <gtest/gtest.h>

#include "postgres/errors.hpp"
#include "postgres/session.hpp"
#include "service/business.hpp"

namespace tenon::test {
namespace {

TEST(ABusiness, IsMadeReadChangedAndDeleted) {
  const Node& node = shared_node();
  const RawResponse made = node.call(as(
      node, "u1", "POST", "/api/business",
      R"({"name":"  Green Valley ","ownerId":"u1","companyId":"c1","category":"Processing Plant","status":"Pending",)"
      R"("taxRate":8.25,"inventory":[{"substance":"Cannabis","quantity":5,"purity":12.5}],)"
      R"("address":{"state":"DC","city":"Washington","addressLine":"1 Main St","postalCode":"20001"}})"));
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string path = "/api/business/" + id_of(made.body);
  EXPECT_EQ(made.header("Location"), path);
  EXPECT_EQ(made.header("ETag"), "W/\"v1\"");
  EXPECT_TRUE(made.header("Last-Modified").has_value());
  const struct {
    const char* member;
    const char* value;
  } members[] = {{"name", "Green Valley"},
                 {"ownerId", "u1"},
                 {"companyId", "c1"},
                 {"category", "Processing Plant"},
                 {"status", "Pending"},
                 {"taxRate", "8.25"},
                 {"inventory.0.quantity", "5"},
                 {"address.postalCode", "20001"},
                 {"version", "1"},
                 {"inventory.0.substance", "Cannabis"}};
  for (const auto& [member, value] : members) EXPECT_EQ(at(made.body, member), value) << member;

  const RawResponse read = node.call(as(node, "anybody", "GET", path));
  EXPECT_EQ(read.body, made.body);
  EXPECT_EQ(read.header("ETag"), made.header("ETag"));
  EXPECT_EQ(read.header("Last-Modified"), made.header("Last-Modified"));

  const RawResponse changed = node.call(
      as(node, "u1", "PATCH", path,
         R"({"version":1,"name":"Blue Valley","status":"Active","address":{"city":"Georgetown","postalCode":null}})"));
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.header("ETag"), "W/\"v2\"");
  EXPECT_EQ(at(changed.body, "name"), "Blue Valley");
  EXPECT_EQ(at(changed.body, "taxRate"), "8.25") << "what a PATCH does not name stays";
  EXPECT_EQ(at(changed.body, "address.state"), "DC");
  EXPECT_EQ(at(changed.body, "address.city"), "Georgetown");
  EXPECT_EQ(at(changed.body, "address.addressLine"), "1 Main St");
  EXPECT_EQ(at(changed.body, "address.postalCode"), "null");

  const RawResponse stale = node.call(with_header(as(node, "u1", "DELETE", path), "If-Match-Version", "1"));
  EXPECT_EQ(stale.status, 409);
  const RawResponse deleted = node.call(with_header(as(node, "u1", "DELETE", path), "If-Match-Version", "2"));
  EXPECT_EQ(deleted.status, 204);
  EXPECT_EQ(deleted.body, "");
  EXPECT_EQ(node.call(as(node, "u1", "GET", path)).status, 404);
  EXPECT_EQ(audited(node, id_of(made.body)), "CREATE_BUSINESS 1, DELETE_BUSINESS 1, UPDATE_BUSINESS 1");
}

TEST(ABusiness, IsActiveAndUntaxedUnlessSaidOtherwise) {
  const std::string made = make_business(shared_node(), "u1");
  EXPECT_EQ(at(made, "status"), "Active");
  EXPECT_EQ(at(made, "taxRate"), "0");
  EXPECT_EQ(at(made, "inventory"), "[0]");
  EXPECT_EQ(at(made, "companyId"), "null");
}

TEST(ABusiness, HasANameThatItsOwnerUsesOnce) {
  const Node& node = shared_node();
  make_business(node, "namesake-1", "Only One");
  const std::string other = id_of(make_business(node, "namesake-1", "Another"));
  EXPECT_NO_THROW(make_business(node, "namesake-2", "Only One"));
  const RawResponse second = node.call(as(node, "namesake-1", "POST", "/api/business",
                                          R"({"name":"Only One","ownerId":"namesake-1","category":"Dispensary",)"
                                          R"("address":{"state":"CA","city":"LA"}})"));
  EXPECT_EQ(second.status, 409);
  EXPECT_EQ(code_of(second), "already_exists");
  const RawResponse renamed =
      node.call(as(node, "namesake-1", "PATCH", "/api/business/" + other, R"({"name":"Only One","version":1})"));
  EXPECT_EQ(renamed.status, 409);
  EXPECT_EQ(code_of(renamed), "already_exists");
  EXPECT_EQ(
      node.call(as(node, "namesake-1", "PATCH", "/api/business/" + other, R"({"name":"Another","version":1})")).status,
      200)
      << "its own name is not in its way";
}

// Many who want one name at the same moment: one gets it, and nobody is told of an error of ours.
TEST(ABusiness, OfOneNameIsMadeOnceByManyAtATime) {
  const Node& node = shared_node();
  std::vector<ApiCall> calls;
  for (int i = 0; i < 40; ++i) {
    calls.push_back(as(node, "crowd", "POST", "/api/business",
                       R"({"name":"Wanted )" + std::to_string(i % 4) +
                           R"(","ownerId":"crowd","category":"Dispensary","address":{"state":"CA","city":"LA"}})"));
  }
  int made = 0;
  for (const RawResponse& answer : send_all(node.port(), calls)) {
    EXPECT_TRUE(answer.status == 201 || answer.status == 409) << answer.body;
    made += answer.status == 201 ? 1 : 0;
  }
  EXPECT_EQ(made, 4);
}

TEST(SomebodyElsesResource, IsAlways403ToChange) {
  const Node& node = shared_node();
  const std::string business = "/api/business/" + id_of(make_business(node, "owner"));
  const std::string facility = id_of(make_facility(node, "owner"));
  const ApiCall calls[] = {
      as(node, "stranger", "PATCH", business, R"({"taxRate":1,"version":1})"),
      as(node, "stranger", "PATCH", business, R"({"taxRate":1,"version":7})"),  // before its version is told
      with_header(as(node, "stranger", "DELETE", business), "If-Match-Version", "1"),
      convert(node, "stranger", facility, "Mine now"),
      as(node, "stranger", "POST", "/api/business",
         R"({"name":"For you","ownerId":"owner","category":"Dispensary","address":{"state":"CA","city":"LA"}})"),
  };
  for (const ApiCall& call : calls) {
    const RawResponse answer = node.call(call);
    EXPECT_EQ(answer.status, 403) << call.method << call.path;
    EXPECT_EQ(code_of(answer), "not_owner");
    EXPECT_EQ(answer.header("ETag"), std::nullopt);
  }
  EXPECT_EQ(node.call(as_admin(node, "PATCH", business, R"({"taxRate":1,"version":1})")).status, 200);
  EXPECT_EQ(node.call(with_header(as_admin(node, "DELETE", business), "If-Match-Version", "2")).status, 204);
}

TEST(Businesses, AreListedByTheirFieldsWithTheirTotal) {
  const Node node;
  for (int i = 0; i < 5; ++i) make_business(node, i < 3 ? "u1" : "u2");
  const std::string other = id_of(make_business(node, "u3"));
  ASSERT_EQ(node.call(as(node, "u3", "PATCH", "/api/business/" + other,
                         R"({"version":1,"category":"Distribution Center","status":"Closed",)"
                         R"("address":{"state":"NV","city":"Reno"}})"))
                .status,
            200);
  meddle(node, "UPDATE businesses SET company_id = 'c9' WHERE owner_id = 'u2'");
  const struct {
    const char* query;
    const char* answer;  // items, total, limit, skip
  } cases[] = {
      {"", "[6] 6 50 0"},
      {"?ownerId=u1", "[3] 3 50 0"},
      {"?companyId=c9", "[2] 2 50 0"},
      {"?category=Distribution%20Center", "[1] 1 50 0"},
      {"?status=Closed", "[1] 1 50 0"},
      {"?state=NV", "[1] 1 50 0"},
      {"?city=Reno&ownerId=u3", "[1] 1 50 0"},
      {"?city=Reno&ownerId=u1", "[0] 0 50 0"},
      {"?limit=2", "[2] 6 2 0"},
      {"?limit=2&skip=5", "[1] 6 2 5"},
      {"?skip=6", "[0] 6 50 6"},
  };
  for (const auto& [query, answer] : cases) {
    const std::string body = node.call(as(node, "anybody", "GET", std::string("/api/business") + query)).body;
    EXPECT_EQ(at(body, "items") + " " + at(body, "total") + " " + at(body, "limit") + " " + at(body, "skip"), answer)
        << query;
  }
  EXPECT_EQ(node.call(as(node, "anybody", "GET", "/api/business?limit=201")).status, 400);
  EXPECT_EQ(node.call({.path = "/api/business"}).status, 401);
}

std::vector<std::string> ids_on(const std::string& page) {
  std::vector<std::string> ids;
  for (int i = 0; at(page, "items." + std::to_string(i)) != "(nothing)"; ++i) {
    ids.push_back(at(page, "items." + std::to_string(i) + ".id"));
  }
  return ids;
}

TEST(Businesses, ComeInPagesInOrderOfCreation) {
  const Node node;
  std::vector<std::string> made;
  for (int i = 0; i < 7; ++i) made.push_back(id_of(make_business(node, "u1")));
  std::vector<std::string> listed;
  for (const int skip : {0, 3, 6}) {
    const std::string page =
        node.call(as(node, "anybody", "GET", "/api/business?limit=3&skip=" + std::to_string(skip))).body;
    for (const std::string& id : ids_on(page)) listed.push_back(id);
  }
  EXPECT_EQ(listed, made);
}

TEST(TheMarket, ComesInPagesInOrderOfCreation) {
  const Node node;
  std::vector<std::string> made;
  for (int i = 0; i < 7; ++i) made.push_back(id_of(make_market_item(node, "seller", 1)));
  std::vector<std::string> listed;
  std::string next;
  for (int pages = 0; pages < 3; ++pages) {
    const std::string page = node.call(as(node, "anybody", "GET",
                                          "/api/crime/black-market?limit=3" + (next.empty() ? "" : "&cursor=" + next)))
                                 .body;
    for (const std::string& id : ids_on(page)) listed.push_back(id);
    next = at(page, "next_cursor");
    EXPECT_EQ(next == "null", pages == 2) << page;
  }
  EXPECT_EQ(listed, made);
}

TEST(FacilitiesAndChannels, AreListedToTheirOwnerAlone) {
  const Node& node = shared_node();
  std::string last;
  for (int i = 0; i < 3; ++i) last = make_facility(node, "lister");
  EXPECT_EQ(at(last, "ownerId"), "lister");
  EXPECT_EQ(at(last, "quality"), "50");
  EXPECT_EQ(at(last, "suspicionLevel"), "0");
  EXPECT_EQ(at(last, "status"), "Active");
  const RawResponse channel =
      node.call(as(node, "lister", "POST", "/api/crime/laundering",
                   R"({"method":"Crypto","throughputCap":1,"feePercent":2.5,"latencyDays":0,"detectionRisk":33})"));
  EXPECT_EQ(channel.status, 201) << channel.body;
  EXPECT_EQ(at(channel.body, "ownerId"), "lister");
  EXPECT_EQ(at(channel.body, "feePercent"), "2.5");
  EXPECT_EQ(channel.header("ETag"), "W/\"v1\"");
  EXPECT_EQ(audited(node, id_of(channel.body)), "CREATE_CHANNEL 1");

  const auto listed = [&](const std::string& user, const std::string& what) {
    return node.call(as(node, user, "GET", "/api/crime/" + what)).body;
  };
  EXPECT_EQ(at(listed("lister", "facilities"), "items"), "[3]");
  EXPECT_EQ(at(listed("lister", "laundering"), "items"), "[1]");
  EXPECT_EQ(at(listed("stranger", "facilities"), "items"), "[0]");
  EXPECT_EQ(at(listed("stranger", "laundering"), "items"), "[0]");
  const std::string page = listed("lister", "facilities?limit=2");
  EXPECT_EQ(at(page, "items"), "[2]");
  const std::string rest = listed("lister", "facilities?limit=2&cursor=" + at(page, "next_cursor"));
  EXPECT_EQ(at(rest, "items.0.id"), id_of(last));
  EXPECT_EQ(at(rest, "next_cursor"), "null");
}

// What the API promises is also what the tables themselves hold to, whoever writes them.
TEST(TheTables, RefuseWhatTheRulesRefuse) {
  const Node& node = shared_node();
  const std::string item = id_of(make_market_item(node, "seller", 5));
  const std::string business = id_of(make_business(node, "owner"));
  const std::string facility = id_of(make_facility(node, "owner"));
  const std::string change = "updated_at = updated_at + interval '1 s', version = version + 1";
  const std::string of_item = " WHERE id = '" + item + "'";
  const std::string of_business = " WHERE id = '" + business + "'";
  const std::string of_facility = " WHERE id = '" + facility + "'";
  const std::string statements[] = {
      "UPDATE businesses SET " + change + ", tax_rate = 100.01" + of_business,
      "UPDATE businesses SET " + change + ", tax_rate = 'NaN'" + of_business,
      "UPDATE businesses SET " + change + ", name = 'G'" + of_business,
      "UPDATE businesses SET " + change + ", state = 'ZZ'" + of_business,
      "UPDATE businesses SET " + change + ", category = 'Shop'" + of_business,
      "UPDATE businesses SET " + change + ", status = 'Open'" + of_business,
      "UPDATE businesses SET " + change + ", postal_code = '12'" + of_business,
      "UPDATE businesses SET " + change + ", inventory = '{}'" + of_business,
      "UPDATE businesses SET " + change + R"(, inventory = '[{"substance":"x","quantity":-1,"purity":1}]')" +
          of_business,
      "UPDATE businesses SET " + change + R"(, inventory = '[{"substance":"x","quantity":1,"purity":101}]')" +
          of_business,
      "UPDATE businesses SET " + change + R"(, inventory = '[{"substance":"x","quantity":"1","purity":1}]')" +
          of_business,
      "UPDATE businesses SET " + change + R"(, inventory = '[{"quantity":1,"purity":1}]')" + of_business,
      "UPDATE businesses SET name = 'No new version'" + of_business,
      "UPDATE businesses SET version = version + 1" + of_business,
      "UPDATE businesses SET version = version - 1, updated_at = updated_at + interval '1 s'" + of_business,
      "UPDATE market_items SET " + change + ", quantity = quantity - 1" + of_item,
      "UPDATE market_items SET " + change + ", quantity = -1, quantity_sold = 6" + of_item,
      "UPDATE market_items SET " + change + ", quantity = 0, quantity_sold = 5" + of_item,
      "UPDATE market_items SET " + change + ", status = 'Sold'" + of_item,
      "UPDATE market_items SET " + change + ", price_per_unit = 0" + of_item,
      "UPDATE facilities SET " + change + ", capacity = 0" + of_facility,
      "UPDATE facilities SET " + change +
          R"(, status = 'Converted', inventory = '[{"substance":"x","quantity":1,"purity":1}]')" + of_facility,
      "UPDATE legislation SET " + change + ", sunset_date = '1900-01-01' WHERE jurisdiction_id = 'CA'",
      "INSERT INTO market_purchases (item_id, buyer_id, quantity, total_price, delivery_method) VALUES ('" + item +
          "', 'b', 0, 1, 'Pickup')",
  };
  for (const std::string& statement : statements) {
    EXPECT_THROW(query(node.superuser(), statement), postgres::StatementError) << statement;
  }
  // Within the rules; and then there is no entry of it in the audit log.
  try {
    query(node.superuser(), "UPDATE businesses SET " + change + ", tax_rate = 100" + of_business);
    ADD_FAILURE() << "a change without an entry was committed";
  } catch (const postgres::StatementError& error) {
    EXPECT_EQ(error.sqlstate(), "TN010") << error.what();
  }
}

}  // namespace
}  // namespace tenon::test
