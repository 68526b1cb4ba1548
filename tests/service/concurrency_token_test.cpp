// Optimistic locking on the inventory: a token that was sent must hold, or nothing happens.
#include <gtest/gtest.h>

#include "postgres/session.hpp"
#include "service/inventory.hpp"

namespace tenon::test {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

// An item at version 3, whose last change lies in a second of its own: told so by the superuser, not by waiting.
std::string item_at_version_3(const Node& node) {
  const std::string item = make_item(node, 10);
  node.call(change(node, item, R"({"name":"Second"})"));
  node.call(change(node, item, R"({"name":"Third"})"));
  postgres::Session(node.superuser())
      .script(
          "SET session_replication_role = replica; "  // past the trigger that lets time only grow
          "UPDATE inventory SET updated_at = '2025-12-02T05:21:11.250Z', prior_updated_at = '2025-12-02T05:21:09Z' "
          "WHERE id = '" +
          item + "'");
  return item;
}

struct Row {
  const char* what;
  Headers headers;
  std::string members;  // of the body, beside the change
  int status;
};

const Row rows[] = {
    {"no token at all", {}, "", 200},
    {"the version as a header", {{"If-Match-Version", "3"}}, "", 200},
    {"an older version as a header", {{"If-Match-Version", "2"}}, "", 409},
    {"a version that is not there yet", {{"If-Match-Version", "4"}}, "", 409},
    {"the version in the body", {}, R"(,"version":3)", 200},
    {"an older version in the body", {}, R"(,"version":1)", 409},
    {"the entity tag", {{"If-Match", "\"v3\""}}, "", 200},
    {"the weak entity tag, as we send it", {{"If-Match", "W/\"v3\""}}, "", 200},
    {"an older entity tag", {{"If-Match", "W/\"v2\""}}, "", 409},
    {"any entity tag", {{"If-Match", "*"}}, "", 200},
    {"the HTTP date of the last change", {{"If-Unmodified-Since", "Tue, 02 Dec 2025 05:21:11 GMT"}}, "", 200},
    {"a later HTTP date: not of the state that was read",
     {{"If-Unmodified-Since", "Tue, 02 Dec 2025 05:21:12 GMT"}},
     "",
     409},
    {"the HTTP date of the change before", {{"If-Unmodified-Since", "Tue, 02 Dec 2025 05:21:10 GMT"}}, "", 409},
    {"the ISO date of the last change", {{"If-Unmodified-Since", "2025-12-02T05:21:11.250Z"}}, "", 200},
    {"an ISO date a millisecond before it", {{"If-Unmodified-Since", "2025-12-02T05:21:11.249Z"}}, "", 409},
    {"a date in the body", {}, R"(,"ifUnmodifiedSince":"2025-12-02T05:21:11.250Z")", 200},
    {"an older date in the body", {}, R"(,"ifUnmodifiedSince":"2025-12-02T05:21:10Z")", 409},
    {"two that hold", {{"If-Match-Version", "3"}, {"If-Match", "\"v3\""}}, "", 200},
    {"two of which one is stale", {{"If-Match-Version", "3"}, {"If-Match", "\"v2\""}}, "", 409},
    {"header and body that disagree", {{"If-Match-Version", "3"}}, R"(,"version":2)", 409},
    {"a version that is no number", {{"If-Match-Version", "three"}}, "", 400},
    {"a version of zero", {{"If-Match-Version", "0"}}, "", 400},
    {"a version twice", {{"If-Match-Version", "3"}, {"If-Match-Version", "3"}}, "", 400},
    {"a foreign entity tag", {{"If-Match", "\"abc\""}}, "", 400},
    {"two entity tags", {{"If-Match", "\"v2\", \"v3\""}}, "", 400},
    {"a date that is none", {{"If-Unmodified-Since", "yesterday"}}, "", 400},
    {"a date without time zone", {{"If-Unmodified-Since", "2025-12-02T05:21:11"}}, "", 400},
    {"a version in the body as text", {}, R"(,"version":"3")", 400},
    {"a version in the body with a fraction", {}, R"(,"version":3.5)", 400},
    {"a date in the body that is none", {}, R"(,"ifUnmodifiedSince":"soon")", 400},
};

void expect_answer(const Node& node, const RawResponse& answer, const Row& row, const std::string& item) {
  ASSERT_EQ(answer.status, row.status) << answer.body;
  const std::string version = node.ask("SELECT version FROM inventory WHERE id = $1", {item});
  if (row.status == 400) {
    EXPECT_EQ(code_of(answer), "precondition_malformed");
  }
  if (row.status != 409) return;
  EXPECT_EQ(code_of(answer), "conflict");
  EXPECT_EQ(at(answer.body, "error"), "Conflict: resource modified or not found");
  EXPECT_EQ(at(answer.body, "version"), "3");
  EXPECT_EQ(answer.header("ETag"), "W/\"v3\"");
  EXPECT_EQ(version, "3");
}

TEST(ConcurrencyToken, OfAnEditMustHold) {
  const Node& node = shared_node();
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const std::string item = item_at_version_3(node);
    ApiCall edit = change(node, item, R"({"name":"Fourth")" + row.members + "}");
    edit.headers = row.headers;
    const RawResponse answer = node.call(edit);
    expect_answer(node, answer, row, item);
    EXPECT_EQ(node.ask("SELECT name FROM inventory WHERE id = $1", {item}), row.status == 200 ? "Fourth" : "Third");
  }
}

TEST(ConcurrencyToken, OfASaleMustHoldToo) {
  const Node& node = shared_node();
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const std::string item = item_at_version_3(node);
    ApiCall sale = change(node, item, R"({"decrement":1)" + row.members + "}");
    sale.headers = row.headers;
    const RawResponse answer = node.call(sale);
    expect_answer(node, answer, row, item);
    EXPECT_EQ(stock_of(node, item).sold, row.status == 200 ? 1 : 0);
  }
}

TEST(ConcurrencyToken, OfADeletionMustHold) {
  const Node& node = shared_node();
  for (const Row& row : rows) {
    if (!row.members.empty()) continue;  // a DELETE has no body
    SCOPED_TRACE(row.what);
    const std::string item = item_at_version_3(node);
    const RawResponse answer = node.call({.method = "DELETE",
                                          .path = "/api/inventory/" + item,
                                          .token = node.token("clerk", "admin"),
                                          .headers = row.headers});
    Row expected = row;
    if (row.status == 200) expected.status = 204;
    expect_answer(node, answer, expected, item);
    EXPECT_EQ(node.ask("SELECT count(*) FROM inventory WHERE id = $1", {item}), row.status == 200 ? "0" : "1");
  }
}

TEST(ConcurrencyToken, OfWholeSecondsIsRefusedWhenTheRowChangedTwiceWithinOne) {
  const Node& node = shared_node();
  const std::string item = item_at_version_3(node);
  postgres::Session(node.superuser())
      .script(
          "SET session_replication_role = replica; "
          "UPDATE inventory SET prior_updated_at = '2025-12-02T05:21:11.100Z', version = version + 1, updated_at = "
          "'2025-12-02T05:21:11.300Z' WHERE id = '" +
          item + "'");
  ApiCall edit = change(node, item, R"({"name":"Fourth"})");
  edit.headers = {{"If-Unmodified-Since", "Tue, 02 Dec 2025 05:21:11 GMT"}};
  EXPECT_EQ(node.call(edit).status, 409);
  edit.headers = {{"If-Unmodified-Since", "2025-12-02T05:21:11.300Z"}};
  edit.key = fresh_key();
  EXPECT_EQ(node.call(edit).status, 200);
}

TEST(ConcurrencyToken, LetsOneOfManyWhoReadTheSameVersionThrough) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  std::vector<ApiCall> calls;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(change(node, item, R"({"name":"Editor )" + std::to_string(i) + R"(","version":1})"));
  }
  int done = 0;
  for (const RawResponse& answer : send_all(node.port(), calls)) {
    EXPECT_TRUE(answer.status == 200 || code_of(answer) == "conflict") << answer.body;
    done += answer.status == 200 ? 1 : 0;
  }
  EXPECT_EQ(done, 1);
  EXPECT_EQ(node.ask("SELECT version FROM inventory WHERE id = $1", {item}), "2");
}

TEST(ConcurrencyToken, StaleInAStandardHeaderIs412WhereTheOperatorWantsThat) {
  const Node node({.arguments = {"--conflict-status", "412"}});
  const std::string item = make_item(node, 10);
  ApiCall edit = change(node, item, R"({"name":"Other"})");
  edit.headers = {{"If-Match", "\"v9\""}};
  EXPECT_EQ(node.call(edit).status, 412);
  edit.headers = {{"If-Match-Version", "9"}};
  edit.key = fresh_key();
  EXPECT_EQ(node.call(edit).status, 409);
}

}  // namespace
}  // namespace tenon::test
