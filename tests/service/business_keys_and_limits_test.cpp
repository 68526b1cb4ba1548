// Idempotency keys by scope and user, and limits by user and route, over the whole of the business and crime APIs.
#include <gtest/gtest.h>

#include <cmath>

#include "service/business.hpp"

namespace tenon::test {
namespace {

struct Write {
  const char* scope;
  const char* method;
  std::string path;
  std::string body;
  std::string other_body;  // another request of the same kind
  int status;
  int limit;                // a minute
  std::string header = {};  // a concurrency token, where it is not in the body
  std::string roles = {};   // that it takes
};

// Every write of the two APIs, each of which succeeds once for `user`.
std::vector<Write> writes_of(const Node& node, const std::string& user) {
  const std::string business = "/api/business/" + id_of(make_business(node, user));
  const std::string doomed = "/api/business/" + id_of(make_business(node, user));
  const std::string facility = id_of(make_facility(node, user));
  const std::string item = id_of(make_market_item(node, user, 10));
  const std::string place = R"("state":"CA","city":"LA"})";
  const auto business_named = [&](const std::string& name) {
    return R"({"name":")" + name + R"(","ownerId":")" + user + R"(","category":"Dispensary","address":{)" + place + "}";
  };
  const auto facility_of = [&](const std::string& type) {
    return R"({"type":")" + type + R"(","capacity":1,"location":{)" + place + "}";
  };
  const auto market_item = [&](const std::string& name) {
    return R"({"category":"Weapons","itemName":")" + name +
           R"(","description":"A sharp knife","quantity":1,"pricePerUnit":1,"location":{)" + place + "}";
  };
  const auto channel = [](const std::string& method) {
    return R"({"method":")" + method + R"(","throughputCap":1,"feePercent":1,"latencyDays":1,"detectionRisk":1})";
  };
  const auto law = [&](const std::string& status) {
    return R"({"substance":"Tea of )" + user + R"(","jurisdictionId":"CA","status":")" + status +
           R"(","taxRate":1,"effectiveDate":"2020-01-01"})";
  };
  return {
      {"business:create", "POST", "/api/business", business_named("Shared key"), business_named("Other"), 201, 30},
      {"business:update", "PATCH", business, R"({"taxRate":1,"version":1})", R"({"taxRate":2,"version":1})", 200, 30},
      {"business:delete", "DELETE", doomed, "", "", 204, 30, "If-Match-Version"},
      {"crime:conversion", "POST", "/api/crime/conversion/convert", convert(node, user, facility, "Converted").body,
       convert(node, user, facility, "Otherwise").body, 201, 15},
      {"crime:facility:create", "POST", "/api/crime/facilities", facility_of("Lab"), facility_of("Farm"), 201, 30},
      {"crime:black-market:create", "POST", "/api/crime/black-market", market_item("Knife"), market_item("Axe"), 201,
       25},
      {"crime:black-market:purchase", "POST", "/api/crime/black-market/" + item + "/purchase",
       R"({"quantity":1,"deliveryMethod":"Pickup"})", R"({"quantity":2,"deliveryMethod":"Pickup"})", 201, 20},
      {"crime:laundering:create", "POST", "/api/crime/laundering", channel("Shell"), channel("Crypto"), 201, 20},
      {"crime:legislation:update", "PUT", "/api/crime/legislation", law("Medical"), law("Illegal"), 201, 30, "",
       "admin"},
  };
}

ApiCall call_of(const Node& node, const std::string& user, const Write& write, const std::string& body) {
  ApiCall call = as(node, user, write.method, write.path, body);
  call.token = node.token(user, write.roles);
  if (!write.header.empty()) call.headers.emplace_back(write.header, "1");
  return call;
}

TEST(AKey, OfOneTextIsAnotherInEveryScopeAndForEveryUser) {
  const Node& node = shared_node();
  for (const std::string user : {"key-user-1", "key-user-2"}) {
    for (const Write& write : writes_of(node, user)) {
      SCOPED_TRACE(user + " " + write.scope);
      const ApiCall call = with_key(call_of(node, user, write, write.body), "the-same-text");
      const RawResponse first = node.call(call);
      ASSERT_EQ(first.status, write.status) << first.body;
      EXPECT_EQ(first.header("Idempotency-Status"), "stored");
      EXPECT_EQ(first.header("Idempotency-Key"), "the-same-text");
      const RawResponse again = node.call(call);
      EXPECT_EQ(again.header("Idempotency-Status"), "replayed");
      EXPECT_EQ(lasting_part(again), lasting_part(first)) << "byte for byte";
      if (!write.other_body.empty()) {
        const RawResponse misused = node.call(with_key(call_of(node, user, write, write.other_body), "the-same-text"));
        EXPECT_EQ(misused.status, 409);
        EXPECT_EQ(code_of(misused), "idempotency_key_reused");
      }
      const RawResponse outcome = node.call({.path = std::string("/api/idempotency/") + write.scope + "/the-same-text",
                                             .token = node.token(user, write.roles)});
      EXPECT_EQ(at(outcome.body, "status"), std::to_string(write.status)) << outcome.body;
    }
  }
  EXPECT_EQ(
      node.ask("SELECT count(*) FROM audit_logs WHERE actor LIKE 'key-user-%' AND idempotency_key = 'the-same-text'"),
      "20")
      << "nine writes of each user, and the conversion's second entry";
}

TEST(AKey, MayBeLeftOutOfEveryOneOfTheseWrites) {
  const Node& node = shared_node();
  for (const Write& write : writes_of(node, "keyless")) {
    const RawResponse answer = node.call(call_of(node, "keyless", write, write.body));
    EXPECT_EQ(answer.status, write.status) << write.scope << answer.body;
    EXPECT_EQ(answer.header("Idempotency-Status"), std::nullopt);
  }
}

// Whoever had the role to send it, and has lost it. Businesses are made by "ann", who is an admin at times.
class AStoredAnswer : public testing::Test {
 protected:
  RawResponse send(const std::string& roles, ApiCall call) {
    call.token = node_.token("ann", roles);
    return node_.call(call);
  }
  RawResponse outcome(const std::string& roles, const std::string& scope, const std::string& key) {
    return send(roles, {.path = "/api/idempotency/" + scope + "/" + key});
  }
  ApiCall creation(const std::string& name, const std::string& owner, const std::string& key) {
    return with_key(as(node_, "ann", "POST", "/api/business",
                       R"({"name":")" + name + R"(","ownerId":")" + owner +
                           R"(","category":"Dispensary","address":{"state":"CA","city":"LA"}})"),
                    key);
  }
  std::string named(const std::string& name) {
    return node_.ask("SELECT count(*) FROM businesses WHERE name = $1", {name});
  }

  const Node& node_ = shared_node();
};

TEST_F(AStoredAnswer, OfSomebodyElsesBusinessIsNotShownOnceTheRoleIsGone) {
  const ApiCall making = creation("Made for bob", "bob", "for-bob");
  const RawResponse made = send("admin", making);
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string path = "/api/business/" + id_of(made.body);
  const ApiCall change = with_key(as(node_, "ann", "PATCH", path, R"({"taxRate":77,"version":1})"), "of-bob");
  const ApiCall deletion = with_key(with_header(as(node_, "ann", "DELETE", path), "If-Match-Version", "2"), "off-bob");
  EXPECT_EQ(send("admin", change).status, 200);
  EXPECT_EQ(send("admin", deletion).status, 204);
  const std::pair<const char*, const char*> keys[] = {
      {"business:create", "for-bob"}, {"business:update", "of-bob"}, {"business:delete", "off-bob"}};
  for (const auto& [scope, key] : keys) {
    EXPECT_EQ(outcome("admin", scope, key).status, 200) << scope;
    const RawResponse refused = outcome("staff", scope, key);
    EXPECT_EQ(code_of(refused), "forbidden") << scope << refused.body;
    EXPECT_EQ(refused.body.find("bob"), std::string::npos) << refused.body;
  }
  EXPECT_EQ(code_of(send("staff", making)), "not_owner") << "nor by sending it again";
  EXPECT_EQ(send("admin", making).header("Idempotency-Status"), "replayed");

  ASSERT_EQ(send("admin", creation("Ann's", "ann", "for-ann")).status, 201);
  EXPECT_EQ(outcome("", "business:create", "for-ann").status, 200) << "what took no role";
}

// The claim of a key is made of its scope, its user and its text: a role that comes or goes makes no second one.
TEST_F(AStoredAnswer, IsOneWhicheverRolesTheCallerHadBetweenTwoSends) {
  const std::pair<const char*, const char*> turns[] = {{"admin", ""}, {"", "admin"}};
  for (const auto& [first, then] : turns) {
    SCOPED_TRACE(std::string("as \"") + first + "\", then as \"" + then + "\"");
    const std::string name = "Turned " + fresh_key();
    const ApiCall making = creation(name, "ann", fresh_key());
    const RawResponse made = send(first, making);
    ASSERT_EQ(made.status, 201) << made.body;
    const std::string id = id_of(made.body);
    const std::string path = "/api/business/" + id;
    const ApiCall calls[] = {
        making, with_key(as(node_, "ann", "PATCH", path, R"({"taxRate":8,"version":1})"), fresh_key()),
        with_key(with_header(as(node_, "ann", "DELETE", path), "If-Match-Version", "2"), fresh_key())};
    for (const ApiCall& call : calls) {
      const RawResponse before = send(first, call);
      ASSERT_LT(before.status, 300) << before.body;
      for (const char* roles : {then, first, then}) {
        const RawResponse again = send(roles, call);
        EXPECT_EQ(again.header("Idempotency-Status"), "replayed") << call.method << again.body;
        EXPECT_EQ(lasting_part(again), lasting_part(before)) << call.method;
      }
    }
    EXPECT_EQ(audited(node_, id), "CREATE_BUSINESS 1, DELETE_BUSINESS 1, UPDATE_BUSINESS 1");
  }
  // What the role was needed for is refused without it, as often as it is sent, and runs once.
  const ApiCall making = creation("Turned for bob", "bob", "turned-for-bob");
  EXPECT_EQ(send("", making).status, 403);
  EXPECT_EQ(send("admin", making).header("Idempotency-Status"), "stored");
  EXPECT_EQ(send("", making).status, 403);
  EXPECT_EQ(send("admin", making).header("Idempotency-Status"), "replayed");
  EXPECT_EQ(named("Turned for bob"), "1");
}

// Sends `call` until it is refused for its limit; how many were let through before.
struct Storm {
  int admitted = 0;
  RawResponse refused;
  double seconds = 0;
};
Storm storm(const Node& node, const ApiCall& call, int most) {
  Storm storm;
  Talker talker(node);
  const auto start = std::chrono::steady_clock::now();
  for (; storm.admitted < most; ++storm.admitted) {
    RawResponse answer = talker.call(call);
    if (answer.status == 429) {
      storm.refused = std::move(answer);
      break;
    }
    EXPECT_TRUE(answer.header("RateLimit").has_value()) << "on every answer of a limited route";
    EXPECT_TRUE(answer.header("X-RateLimit-Remaining").has_value());
  }
  storm.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return storm;
}

void expect_limited(const Storm& storm, int limit) {
  EXPECT_GE(storm.admitted, limit);
  // What flowed in while the storm lasted.
  EXPECT_LE(storm.admitted, limit + static_cast<int>(std::ceil(storm.seconds * limit / 60)) + 1);
  EXPECT_EQ(storm.refused.status, 429);
  EXPECT_EQ(code_of(storm.refused), "rate_limited");
  EXPECT_GE(std::stoi(storm.refused.header("Retry-After").value_or("0")), 1);
  EXPECT_EQ(storm.refused.header("X-RateLimit-Limit"), std::to_string(limit));
}

TEST(ALimit, IsEachUsersOwnOnEveryRouteAndOfTheAddressWhereNobodyIsKnown) {
  const Node quiet;
  const std::vector<Write> kinds = writes_of(quiet, "anybody");
  const Node node({.limited = true});
  for (const Write& write : kinds) {
    SCOPED_TRACE(write.scope);
    // What is wrong with a request does not matter: it is charged before anybody looks.
    const ApiCall call = call_of(node, "stormy", write, std::string(write.method) == "DELETE" ? "" : "{}");
    expect_limited(storm(node, call, 3 * write.limit), write.limit);
    ApiCall calm = call;
    calm.token = node.token("calm", write.roles);
    EXPECT_NE(node.call(calm).status, 429) << "one user's storm never touches another's";
    ApiCall stranger = call;
    stranger.token.clear();
    const Storm strangers = storm(node, stranger, 3 * write.limit);
    expect_limited(strangers, write.limit);
    EXPECT_NE(node.call(calm).status, 429) << "nor does a stranger's, from the same address";
  }
}

TEST(ALimit, OfAStrangerIsChargedThriceForATokenThatIsBad) {
  const Node node({.arguments = {"--limit", "business-create=6/hour"}, .limited = true});
  ApiCall forged = as(node, "u1", "POST", "/api/business", "{}");
  forged.token += "x";
  EXPECT_EQ(node.call(forged).status, 401);
  EXPECT_EQ(node.call(forged).status, 401);
  EXPECT_EQ(node.call(forged).status, 429);
  EXPECT_EQ(node.call(as(node, "u1", "POST", "/api/business", "{}")).status, 422) << "u1's own bucket is full";
}

TEST(Reads, OfTheseApisHaveNoLimit) {
  const Node node({.limited = true});
  Talker talker(node);
  for (const char* path : {"/api/business", "/api/crime/facilities", "/api/crime/black-market", "/api/crime/laundering",
                           "/api/crime/legislation"}) {
    for (int i = 0; i < 40; ++i) ASSERT_EQ(talker.call(as(node, "reader", "GET", path)).status, 200) << path;
  }
}

}  // namespace
}  // namespace tenon::test
