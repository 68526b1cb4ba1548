// Rate limits as clients meet them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "service/bad_input.hpp"

namespace tenon::test {
namespace {

using testing::StartsWith;

TEST(Limit, OnWritesIsTwentyAMinuteForEachAddressAndTheTwentyFirstIsRefused) {
  const Node node({.limited = true});
  std::vector<std::string> items{make_item(node, 100)};  // the first write
  for (int i = 2; i <= 20; ++i) {
    // By another user each time: it is the address that counts.
    ApiCall sale = sell(node, items[0], 1);
    sale.token = node.token("user-" + std::to_string(i), "staff");
    const RawResponse answer = node.call(sale);
    ASSERT_EQ(answer.status, 200) << i << answer.body;
    EXPECT_EQ(answer.header("RateLimit-Policy"), "\"inventory-write\";q=20;w=60");
    EXPECT_THAT(answer.header("RateLimit").value_or(""),
                StartsWith("\"inventory-write\";r=" + std::to_string(20 - i) + ";t="));
    EXPECT_EQ(answer.header("X-RateLimit-Limit"), "20");
    EXPECT_EQ(answer.header("X-RateLimit-Remaining"), std::to_string(20 - i));
    EXPECT_TRUE(answer.header("X-RateLimit-Reset").has_value());
  }
  const std::string before = traces(node.superuser());
  const ApiCall sale = sell(node, items[0], 1, "the-twenty-first");
  const RawResponse refused = node.call(sale);
  expect_problem(refused, 429, "rate_limited");
  const int wait = std::stoi(refused.header("Retry-After").value_or("0"));
  EXPECT_GE(wait, 1);
  EXPECT_LE(wait, 3) << "one token flows in every three seconds";
  EXPECT_EQ(refused.header("X-RateLimit-Remaining"), "0");
  EXPECT_EQ(refused.header("RateLimit-Policy"), "\"inventory-write\";q=20;w=60");
  EXPECT_FALSE(refused.header("Idempotency-Status").has_value());
  EXPECT_EQ(traces(node.superuser()), before);
  // All writes share it, refusals of strangers are charged too, and reads have their own.
  EXPECT_EQ(node.call(order(node, R"([{"item_id":")" + items[0] + R"(","quantity":1}])")).status, 429);
  ApiCall stranger = sell(node, items[0], 1);
  stranger.token.clear();
  EXPECT_EQ(node.call(stranger).status, 429);
  const RawResponse read = node.call(get(node, "/api/inventory"));
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.header("RateLimit-Policy"), "\"inventory-read\";q=600;w=60");
  EXPECT_EQ(node.call({.path = "/healthz"}).status, 200);
}

// The forwarded address counts only when it is a trusted proxy that tells.
TEST(Limit, IsOfTheAddressThatATrustedProxyTells) {
  const Node trusting(
      {.arguments = {"--trusted-proxy", "127.0.0.0/8", "--limit", "inventory-write=2/min"}, .limited = true});
  const auto statuses = [](const Node& node) {
    std::map<int, int> seen;
    for (int i = 0; i < 5; ++i) {
      ApiCall call = sell(node, "01890000-0000-7000-8000-000000000000", 1);
      call.headers = {{"X-Forwarded-For", "203.0.113." + std::to_string(i)}};
      ++seen[node.call(call).status];
    }
    return seen;
  };
  EXPECT_EQ(statuses(trusting), (std::map<int, int>{{404, 5}}));
  NodeSettings wary = beside(trusting);
  wary.limited = true;
  wary.arguments.insert(wary.arguments.end(), {"--limit", "inventory-write=2/min"});
  const Node node(wary);
  EXPECT_EQ(statuses(node), (std::map<int, int>{{404, 2}, {429, 3}}));
}

TEST(Limit, SwitchedOffLimitsNothingAndShowsNothing) {
  const Node node(
      {.arguments = {"--limit", "inventory-write=off", "--limit", "inventory-read=1/hour"}, .limited = true});
  const std::string item = make_item(node, 100);
  for (int i = 0; i < 30; ++i) {
    const RawResponse sold = node.call(sell(node, item, 1));
    ASSERT_EQ(sold.status, 200) << sold.body;
    EXPECT_FALSE(sold.header("RateLimit").has_value());
    EXPECT_FALSE(sold.header("X-RateLimit-Limit").has_value());
  }
  EXPECT_EQ(node.call(get(node, "/api/inventory")).status, 200);
  EXPECT_EQ(node.call(get(node, "/api/inventory")).status, 429);
}

TEST(LiveKeys, OfOneUserAreBoundedAndOfOthersNotTouched) {
  const Node node({.arguments = {"--live-keys-per-user", "10"}});
  const std::string item = make_item(node, 100);
  std::map<int, int> statuses;
  RawResponse last;
  for (int i = 0; i < 20; ++i) {
    last = node.call(sell(node, item, 1));
    ++statuses[last.status];
  }
  EXPECT_LE(statuses[200], 10);
  EXPECT_GE(statuses[200], 5);
  expect_problem(last, 429, "too_many_live_keys");
  EXPECT_TRUE(last.header("Retry-After").has_value());
  ApiCall of_another = sell(node, item, 1);
  of_another.token = node.token("another", "staff");
  EXPECT_EQ(node.call(of_another).status, 200);
}

}  // namespace
}  // namespace tenon::test
