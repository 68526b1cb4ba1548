#include "safeguards/rate_limit/headers.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "encoding/structured_field.hpp"

namespace tenon::safeguards {
namespace {

constexpr std::int64_t second = 1'000'000;
const Limit inventory_write{.name = "inventory-write", .rate = {.quota = 20, .window_microseconds = 60 * second}};

TEST(TheRateLimitHeaders, TellAnAdmittedRequestWhatIsLeft) {
  BucketState bucket;
  http::Response response(200);
  add_rate_limit_headers(response, inventory_write, take(bucket, second, inventory_write.rate));
  EXPECT_EQ(response.header_lines(),
            "RateLimit-Policy: \"inventory-write\";q=20;w=60\r\n"
            "RateLimit: \"inventory-write\";r=19;t=3\r\n"
            "X-RateLimit-Limit: 20\r\n"
            "X-RateLimit-Remaining: 19\r\n"
            "X-RateLimit-Reset: 3\r\n");
}

TEST(TheRateLimitHeaders, TellARefusedRequestWhenToComeBack) {
  BucketState bucket;
  for (int taken = 0; taken < 20; ++taken) (void)take(bucket, 0, inventory_write.rate);
  const auto refused = take(bucket, second / 2, inventory_write.rate, {}, 2);
  ASSERT_FALSE(refused.admitted);
  http::Response response(429);
  add_rate_limit_headers(response, inventory_write, refused);
  EXPECT_EQ(response.header("RateLimit"), R"("inventory-write";r=0;t=6)");  // 5.5 seconds, rounded up
  EXPECT_EQ(response.header("X-RateLimit-Remaining"), "0");
  EXPECT_EQ(response.header("X-RateLimit-Reset"), "6");
  EXPECT_EQ(retry_after_seconds(refused), 6U);
}

TEST(TheRateLimitHeaders, RoundAWindowUpToWholeSeconds) {
  http::Response response(200);
  add_rate_limit_headers(response, {.name = "fast", .rate = {.quota = 5, .window_microseconds = 1'500'000}},
                         BucketDecision{.admitted = true, .remaining = 4, .refill_microseconds = 1});
  EXPECT_EQ(response.header("RateLimit-Policy"), R"("fast";q=5;w=2)");
  EXPECT_EQ(response.header("RateLimit"), R"("fast";r=4;t=1)");
}

TEST(TheRateLimitHeaders, OfSeveralLimitsMakeListsThatParse) {
  http::Response response(200);
  const BucketDecision decision{.admitted = true, .remaining = 7, .refill_microseconds = 2 * second};
  add_rate_limit_headers(response, {.name = "ip", .rate = {.quota = 100, .window_microseconds = second}}, decision);
  add_rate_limit_headers(response, inventory_write, decision);

  std::string policies;
  std::size_t count = 0;
  std::string_view lines = response.header_lines();
  std::size_t limits_told = 0;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(line.size() + 2);
    limits_told += line.starts_with("X-RateLimit-Limit: ") ? 1 : 0;
    constexpr std::string_view name = "RateLimit-Policy: ";
    if (!line.starts_with(name)) continue;
    policies += (count++ == 0 ? "" : ", ") + std::string(line.substr(name.size()));
  }
  const auto list = structured::parse_list(policies);
  ASSERT_TRUE(list) << policies;
  ASSERT_EQ(list->size(), 2U);
  const auto& last = std::get<structured::Item>(list->back());
  EXPECT_EQ(std::get<std::string>(last.value), "inventory-write");
  EXPECT_EQ(last.parameters, (structured::Parameters{{"q", std::int64_t{20}}, {"w", std::int64_t{60}}}));
  EXPECT_EQ(limits_told, 1U);  // X-RateLimit-Limit is no list
  EXPECT_EQ(response.header("X-RateLimit-Limit"), "100");
}

TEST(TheRateLimitHeaders, StandTheLargestNumbers) {
  const auto never = std::numeric_limits<std::int64_t>::max();
  http::Response response(429);
  add_rate_limit_headers(response, inventory_write,
                         BucketDecision{.retry_microseconds = never, .refill_microseconds = never});
  EXPECT_EQ(response.header("RateLimit"), R"("inventory-write";r=0;t=9223372036855)");
}

TEST(RetryAfter, IsInWholeSecondsRoundedUpAndAtLeastOne) {
  const std::pair<std::int64_t, std::uint32_t> cases[] = {
      {-1, 1},
      {0, 1},
      {1, 1},
      {second - 1, 1},
      {second, 1},
      {second + 1, 2},
      {59 * second + 1, 60},
      {86'400 * second, 86'400},
      {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::uint32_t>::max()}};
  for (const auto& [microseconds, seconds] : cases) {
    EXPECT_EQ(retry_after_seconds(BucketDecision{.retry_microseconds = microseconds}), seconds) << microseconds;
  }
}

TEST(ARate, IsWrittenAsCountPerUnit) {
  struct Case {
    std::string_view text;
    std::int64_t quota;
    std::int64_t window;
  };
  const Case cases[] = {
      {"20/min", 20, 60 * second},
      {"600/m", 600, 60 * second},
      {"600/minute", 600, 60 * second},
      {"5/s", 5, second},
      {"5/sec", 5, second},
      {"5/second", 5, second},
      {"100/h", 100, 3'600 * second},
      {"100/hour", 100, 3'600 * second},
      {"1000/d", 1'000, 86'400 * second},
      {"1000/day", 1'000, 86'400 * second},
      {"10/30s", 10, 30 * second},
      {"1/1ms", 1, 1'000},
      {"1/ms", 1, 1'000},
      {"1000000/s", 1'000'000, second},
      {"1000000000/24h", 1'000'000'000, 86'400 * second},
      {"7/86400000ms", 7, 86'400 * second},
  };
  for (const Case& one : cases) {
    const auto rate = parse_rate(one.text);
    ASSERT_TRUE(rate) << one.text;
    EXPECT_EQ(rate->quota, one.quota) << one.text;
    EXPECT_EQ(rate->window_microseconds, one.window) << one.text;
    EXPECT_TRUE(rate->valid()) << one.text;
  }
}

TEST(ARate, IsNotMadeOfAnythingElse) {
  for (const std::string_view text : {"",
                                      "/",
                                      "20",
                                      "20/",
                                      "/min",
                                      "0/min",
                                      "-1/min",
                                      "+1/min",
                                      "020/min",
                                      "1.5/s",
                                      "1e3/s",
                                      "20/MIN",
                                      "20/mins",
                                      "20/week",
                                      "20 / min",
                                      " 20/min",
                                      "20/min ",
                                      "20/min/min",
                                      "20/0s",
                                      "20/-1s",
                                      "20/030s",
                                      "20/30",
                                      "20/2d",
                                      "20/25h",
                                      "20/86401s",
                                      "20/86400001ms",
                                      "20/99999999999999999999s",
                                      "1000000001/24h",
                                      "1000001/s",
                                      "1001/ms",
                                      "99999999999999999999/s",
                                      "20/us",
                                      "20/ns",
                                      "off",
                                      "20/1 s",
                                      "0x10/s"}) {
    EXPECT_FALSE(parse_rate(text)) << text;
  }
  EXPECT_FALSE(parse_rate(std::string_view("20/s\0", 5)));
}

}  // namespace
}  // namespace tenon::safeguards
