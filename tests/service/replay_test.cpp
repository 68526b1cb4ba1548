// What one Idempotency-Key means: to its user, to others, with another payload, after its time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "service/inventory.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;

std::string status_of(const RawResponse& response) { return response.header("Idempotency-Status").value_or("(none)"); }

TEST(Replay, RepeatsStatusBodyAndHeadersByteForByte) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  const RawResponse first = node.call(sell(node, item, 2, "replayed-whole"));
  const RawResponse again = node.call(sell(node, item, 2, "replayed-whole"));
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(status_of(first), "stored");
  EXPECT_EQ(status_of(again), "replayed");
  EXPECT_EQ(lasting_part(again), lasting_part(first));
  for (const char* header : {"ETag", "Last-Modified", "Audit-Id", "Idempotency-Key", "Idempotency-Expires"}) {
    EXPECT_TRUE(again.header(header).has_value()) << header;
  }
  EXPECT_NE(again.header("X-Request-Id"), first.header("X-Request-Id"));
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 8, .sold = 2, .entries = 1}));
}

TEST(Replay, OfACreationNamesTheSameItem) {
  const Node& node = shared_node();
  const ApiCall create{.method = "POST",
                       .path = "/api/inventory",
                       .token = node.token("clerk", "admin"),
                       .key = "created-once",
                       .body = R"({"name":"Once Only Bench","price":7.50})"};
  const RawResponse first = node.call(create);
  const RawResponse again = node.call(create);
  ASSERT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(first.header("Location"), "/api/inventory/" + at(first.body, "id"));
  EXPECT_EQ(lasting_part(again), lasting_part(first));
  EXPECT_EQ(node.ask("SELECT count(*) FROM inventory WHERE name = 'Once Only Bench'"), "1");
}

TEST(Replay, OfADeletionIs204AlthoughTheItemIsGone) {
  const Node& node = shared_node();
  const ApiCall remove{.method = "DELETE",
                       .path = "/api/inventory/" + make_item(node, 1),
                       .token = node.token("clerk", "admin"),
                       .key = "deleted-once"};
  EXPECT_EQ(node.call(remove).status, 204);
  const RawResponse again = node.call(remove);
  EXPECT_EQ(again.status, 204);
  EXPECT_EQ(status_of(again), "replayed");
  ApiCall with_another_key = remove;
  with_another_key.key = "deleted-twice";
  EXPECT_EQ(node.call(with_another_key).status, 404);
}

TEST(Replay, ComesBeforeTheConcurrencyToken) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 5);
  const ApiCall edit = change(node, item, R"({"name":"Renamed","version":1})", "edited-once");
  EXPECT_EQ(node.call(edit).status, 200);
  const RawResponse again = node.call(edit);  // version 1 is stale by now
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(status_of(again), "replayed");
}

TEST(Replay, TakesQuotedAndBareSpellingForOneKeyAndEchoesTheOneSent) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  const RawResponse bare = node.call(sell(node, item, 1, "two-spellings"));
  const RawResponse quoted = node.call(sell(node, item, 1, "\"two-spellings\""));
  EXPECT_EQ(status_of(bare), "stored");
  EXPECT_EQ(status_of(quoted), "replayed");
  EXPECT_EQ(quoted.body, bare.body);
  EXPECT_EQ(bare.header("Idempotency-Key"), "two-spellings");
  EXPECT_EQ(quoted.header("Idempotency-Key"), "\"two-spellings\"");
  EXPECT_EQ(stock_of(node, item).sold, 1);
}

TEST(Replay, DoesNotDependOnMemberOrderWhiteSpaceOrEscapes) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  const RawResponse first = node.call(change(node, item, R"({"name":"Ash","price":20.50})", "same-meaning"));
  ASSERT_EQ(first.status, 200) << first.body;
  const std::string others[] = {R"({"price":20.50,"name":"Ash"})", "{ \"name\" :\t\"Ash\",\r\n \"price\":20.50 }",
                                R"({"name":"\u0041sh","price":20.5})"};
  for (const std::string& body : others) {
    const RawResponse again = node.call(change(node, item, body, "same-meaning"));
    EXPECT_EQ(status_of(again), "replayed") << body;
    EXPECT_EQ(again.body, first.body) << body;
  }
  EXPECT_EQ(node.ask("SELECT version FROM inventory WHERE id = $1", {item}), "2");
}

TEST(Reuse, WithAnotherPayloadIsRefusedUnderItsOwnTypeAndRunsNothing) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  const std::string other_item = make_item(node, 10);
  ASSERT_EQ(node.call(sell(node, item, 1, "reused")).status, 200);
  ApiCall with_query = sell(node, item, 1, "reused");
  with_query.path += "?again=1";
  struct {
    const char* what;
    ApiCall call;
  } const rows[] = {{"another quantity", sell(node, item, 2, "reused")},
                    {"another form", change(node, item, R"({"increment":1})", "reused")},
                    {"another item", sell(node, other_item, 1, "reused")}};
  for (const auto& row : rows) {
    const RawResponse refused = node.call(row.call);
    EXPECT_EQ(refused.status, 409) << row.what;
    EXPECT_EQ(at(refused.body, "type"), "/problems/idempotency-key-reused") << row.what;
    EXPECT_EQ(code_of(refused), "idempotency_key_reused") << row.what;
    EXPECT_THAT(refused.body, testing::Not(HasSubstr("quantity_available"))) << row.what;
  }
  EXPECT_EQ(code_of(node.call(with_query)), "malformed_parameter") << "no path that writes takes one";
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 9, .sold = 1, .entries = 1}));
  EXPECT_EQ(stock_of(node, other_item), (Stock{.available = 10, .sold = 0, .entries = 0}));
}

TEST(Key, IsItsUsersOwn) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  ApiCall anna = sell(node, item, 1, "shared-name");
  ApiCall bert = sell(node, item, 3, "shared-name");
  anna.token = node.token("anna", "staff");
  bert.token = node.token("bert", "staff");
  EXPECT_EQ(status_of(node.call(anna)), "stored");
  EXPECT_EQ(status_of(node.call(bert)), "stored");
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 6, .sold = 4, .entries = 2}));
}

TEST(Key, IsOfItsScope) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  EXPECT_EQ(node.call(sell(node, item, 1, "scoped")).status, 200);
  EXPECT_EQ(node.call(order(node, R"([{"item_id":")" + item + R"(","quantity":2}])", "scoped")).status, 201);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 7, .sold = 3, .entries = 2}));
}

TEST(Key, CarriesOneOf255CharactersAndOneOfEveryCharacterAllowed) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  EXPECT_EQ(node.call(sell(node, item, 1, std::string(255, 'k'))).status, 200);
  EXPECT_EQ(node.call(sell(node, item, 1, "!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~")).status, 200);
  EXPECT_EQ(node.call(sell(node, item, 1, R"("a, b; \"c\" \\d")")).status, 200);
  EXPECT_EQ(stock_of(node, item).sold, 3);
}

TEST(Refusal, OfBusinessIsStoredAndReplayedThoughItWouldSucceedByNow) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 1);
  const RawResponse first = node.call(sell(node, item, 2, "too-many"));
  ASSERT_EQ(first.status, 409) << first.body;
  EXPECT_EQ(code_of(first), "insufficient_stock");
  EXPECT_EQ(at(first.body, "available"), "1");
  EXPECT_EQ(at(first.body, "requested"), "2");
  EXPECT_EQ(status_of(first), "stored");
  ASSERT_EQ(node.call(change(node, item, R"({"increment":10})")).status, 200);
  const RawResponse again = node.call(sell(node, item, 2, "too-many"));
  EXPECT_EQ(status_of(again), "replayed");
  EXPECT_EQ(lasting_part(again), lasting_part(first));
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 11, .sold = 0, .entries = 0}));
}

TEST(Refusal, BeforeTheTransactionIsNotStoredAndLeavesTheKeyUsable) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 5);
  ApiCall wrong_type = sell(node, item, 1, "usable");
  wrong_type.headers = {{"Content-Type", "text/plain"}};
  ApiCall nobody = sell(node, item, 1, "usable");
  nobody.token.clear();
  ApiCall reader = sell(node, item, 1, "usable");
  reader.token = node.token("clerk", "auditor");
  ApiCall bad_token = sell(node, item, 1, "usable");
  bad_token.headers = {{"If-Match", "nonsense"}};
  struct {
    ApiCall call;
    int status;
  } const rows[] = {{change(node, item, R"({"decrement":0})", "usable"), 422},
                    {change(node, item, "{", "usable"), 400},
                    {bad_token, 400},
                    {wrong_type, 415},
                    {nobody, 401},
                    {reader, 403}};
  for (const auto& row : rows) {
    const RawResponse refused = node.call(row.call);
    EXPECT_EQ(refused.status, row.status) << refused.body;
    EXPECT_EQ(status_of(refused), "(none)") << refused.body;
  }
  EXPECT_EQ(status_of(node.call(sell(node, item, 1, "usable"))), "stored");
  EXPECT_EQ(stock_of(node, item).sold, 1);
}

// Nobody waits for a minute: the superuser turns the stored time back, by which the database judges.
void expire(const std::string& key) {
  shared_node().ask("UPDATE idempotency_keys SET expires_at = clock_timestamp() - interval '1 ms' WHERE key = $1",
                    {key});
}

// A node that repeats what it was told would not see that: this one asks the database every time.
class Expiry : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    NodeSettings settings = beside(shared_node());
    settings.arguments.insert(settings.arguments.end(), {"--reply-cache", "0"});
    node_ = new Node(settings);
  }
  static void TearDownTestSuite() { delete std::exchange(node_, nullptr); }

  static inline Node* node_ = nullptr;
};

TEST_F(Expiry, MakesTheKeyUnknownAlsoWhileItsRowIsStillThere) {
  const Node& node = *node_;
  const std::string item = make_item(node, 10);
  ASSERT_EQ(node.call(sell(node, item, 1, "expiring")).status, 200);
  ASSERT_EQ(status_of(node.call(sell(node, item, 1, "expiring"))), "replayed");
  expire("expiring");
  ASSERT_EQ(shared_node().ask("SELECT count(*) FROM idempotency_keys WHERE key = 'expiring'"), "1");
  EXPECT_EQ(status_of(node.call(sell(node, item, 1, "expiring"))), "stored");
  EXPECT_EQ(status_of(node.call(sell(node, item, 1, "expiring"))), "replayed");
  EXPECT_EQ(stock_of(shared_node(), item), (Stock{.available = 8, .sold = 2, .entries = 2}));
}

TEST_F(Expiry, LetsAnotherPayloadHaveTheKey) {
  const Node& node = *node_;
  const std::string item = make_item(node, 10);
  ASSERT_EQ(node.call(sell(node, item, 1, "handed-on")).status, 200);
  expire("handed-on");
  EXPECT_EQ(node.call(change(node, item, R"({"name":"Other"})", "handed-on")).status, 200);
}

TEST_F(Expiry, IsAnnouncedByTheDatabasesClock) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 1);
  const std::string before = node.ask("SELECT clock_timestamp()");
  const RawResponse sold = node.call(sell(node, item, 1, "announced"));
  const std::string after = node.ask("SELECT clock_timestamp()");
  const std::string announced = sold.header("Idempotency-Expires").value_or("");
  // The header has seconds and the row microseconds.
  EXPECT_EQ(announced, node.ask(R"(SELECT to_char(expires_at AT TIME ZONE 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS "GMT"')
                                   FROM idempotency_keys WHERE key = 'announced')"));
  // 60 s is the default lifetime, from a moment between the two.
  EXPECT_EQ(node.ask("SELECT expires_at - interval '60 s' BETWEEN $1::timestamptz AND $2::timestamptz FROM "
                     "idempotency_keys WHERE key = 'announced'",
                     {before, after}),
            "t")
      << before << " " << after;
}

ApiCall outcome(const Node& node, const std::string& user, const std::string& roles, const std::string& key) {
  return {.path = "/api/idempotency/inventory:update/" + key, .token = node.token(user, roles)};
}

TEST(Outcome, IsToldToItsOwnerAndNobodyElse) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 3);
  const RawResponse sold = node.call(sell(node, item, 1, "asked-for"));
  const RawResponse own = node.call(outcome(node, "clerk", "admin", "asked-for"));
  ASSERT_EQ(own.status, 200) << own.body;
  EXPECT_EQ(at(own.body, "status"), "200");
  EXPECT_EQ(at(own.body, "key"), "asked-for");
  EXPECT_EQ(at(own.body, "etag"), sold.header("ETag").value_or(""));
  EXPECT_THAT(own.body, HasSubstr("\"answer\":" + sold.body));

  const RawResponse others = node.call(outcome(node, "somebody-else", "admin", "asked-for"));
  const RawResponse unknown = node.call(outcome(node, "somebody-else", "admin", "never-used"));
  EXPECT_EQ(others.status, 404);
  EXPECT_EQ(others.body, unknown.body);  // not even a hint
  EXPECT_EQ(node.call(outcome(node, "clerk", "auditor", "asked-for")).status, 403);
  EXPECT_EQ(node.call({.path = "/api/idempotency/inventory:update/asked-for"}).status, 401);
  ApiCall no_scope = outcome(node, "clerk", "admin", "asked-for");
  no_scope.path = "/api/idempotency/no:scope/asked-for";
  EXPECT_EQ(node.call(no_scope).status, 404);
}

TEST(Outcome, OfARefusalIsItsProblem) {
  const Node& node = shared_node();
  const RawResponse refused = node.call(sell(node, make_item(node, 1), 2, "refused-and-asked"));
  const RawResponse asked = node.call(outcome(node, "clerk", "admin", "refused-and-asked"));
  EXPECT_EQ(asked.status, 200);
  EXPECT_EQ(at(asked.body, "status"), "409");
  EXPECT_THAT(asked.body, HasSubstr("\"answer\":" + refused.body));
}

TEST(Outcome, OfAKeyWithSpecialCharactersIsFoundPercentEncoded) {
  const Node& node = shared_node();
  ASSERT_EQ(node.call(sell(node, make_item(node, 1), 1, R"("a/b c?d%")")).status, 200);
  EXPECT_EQ(node.call(outcome(node, "clerk", "admin", "a%2Fb%20c%3Fd%25")).status, 200);
}

TEST(Outcome, IsGoneWithTheKey) {
  const Node& node = shared_node();
  ASSERT_EQ(node.call(sell(node, make_item(node, 1), 1, "gone")).status, 200);
  expire("gone");
  EXPECT_EQ(node.call(outcome(node, "clerk", "admin", "gone")).status, 404);
}

TEST(StoredAnswer, IsNotShownOnceTheUserLostTheRole) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 3);
  ApiCall sale = sell(node, item, 1, "before-the-demotion");
  ASSERT_EQ(node.call(sale).status, 200);
  sale.token = node.token("clerk", "auditor");
  EXPECT_EQ(node.call(sale).status, 403);
}

}  // namespace
}  // namespace tenon::test
