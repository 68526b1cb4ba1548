#include "safeguards/rate_limit/headers.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <vector>

#include "encoding/structured_field.hpp"

namespace tenon::safeguards {
namespace {

constexpr std::int64_t second = 1'000'000;
const Limit inventory_write{.name = "inventory-write", .rate = {.quota = 20, .window_microseconds = 60 * second}};

void tell(http::Response& response, const Limit& limit, const BucketDecision& decision,
          HeaderStyle style = HeaderStyle::both) {
  const Told told{.limit = &limit, .decision = decision};
  add_rate_limit_headers(response, {&told, 1}, style);
}

TEST(TheRateLimitHeaders, TellAnAdmittedRequestWhatIsLeft) {
  BucketState bucket;
  http::Response response(200);
  tell(response, inventory_write, take(bucket, second, inventory_write.rate));
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
  tell(response, inventory_write, refused);
  EXPECT_EQ(response.header("RateLimit"), R"("inventory-write";r=0;t=6)");  // 5.5 seconds, rounded up
  EXPECT_EQ(response.header("X-RateLimit-Remaining"), "0");
  EXPECT_EQ(response.header("X-RateLimit-Reset"), "6");
  EXPECT_EQ(retry_after_seconds(refused), 6U);
}

TEST(TheRateLimitHeaders, RoundAWindowUpToWholeSeconds) {
  http::Response response(200);
  tell(response, {.name = "fast", .rate = {.quota = 5, .window_microseconds = 1'500'000}},
       BucketDecision{.admitted = true, .remaining = 4, .refill_microseconds = 1});
  EXPECT_EQ(response.header("RateLimit-Policy"), R"("fast";q=5;w=2)");
  EXPECT_EQ(response.header("RateLimit"), R"("fast";r=4;t=1)");
}

TEST(TheRateLimitHeaders, OfSeveralLimitsAreListsThatParse) {
  const Limit address{.name = "address", .rate = {.quota = 100, .window_microseconds = second}};
  const BucketDecision much{.decided = true, .admitted = true, .remaining = 99, .refill_microseconds = 1};
  const BucketDecision little{.decided = true, .admitted = true, .remaining = 7, .refill_microseconds = 2 * second};
  http::Response response(200);
  add_rate_limit_headers(response, std::array{Told{&address, much}, Told{&inventory_write, little}}, HeaderStyle::both);
  const auto policies = structured::parse_list(response.header("RateLimit-Policy").value_or(""));
  const auto left = structured::parse_list(response.header("RateLimit").value_or(""));
  ASSERT_TRUE(policies && left) << response.header_lines();
  ASSERT_EQ(policies->size(), 2U);
  ASSERT_EQ(left->size(), 2U);
  const auto& policy = std::get<structured::Item>(policies->back());
  EXPECT_EQ(std::get<std::string>(policy.value), "inventory-write");
  EXPECT_EQ(policy.parameters, (structured::Parameters{{"q", std::int64_t{20}}, {"w", std::int64_t{60}}}));
  EXPECT_EQ(std::get<structured::Item>(left->back()).parameters,
            (structured::Parameters{{"r", std::int64_t{7}}, {"t", std::int64_t{2}}}));
}

TEST(TheRateLimitHeaders, HaveRoomForTheLongestNamesAndNumbers) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const Limit longest{.name = std::string(64, 'n'), .rate = {.quota = most, .window_microseconds = most}};
  const BucketDecision decision{.decided = true, .remaining = most, .retry_microseconds = most};
  for (std::size_t count = 1; count <= 5; ++count) {
    http::Response response(429);
    add_rate_limit_headers(response, std::vector<Told>(count, Told{&longest, decision}), HeaderStyle::both);
    const auto left = structured::parse_list(response.header("RateLimit").value_or(""));
    ASSERT_TRUE(left) << response.header_lines();
    EXPECT_EQ(left->size(), count);
    EXPECT_EQ(response.header("X-RateLimit-Reset"), "9223372036855");
  }
}

// The older names have room for one limit only.
TEST(TheRateLimitHeaders, OfTheOlderNamesTellOfTheLimitThatRefusedElseOfTheOneWithTheLeastLeft) {
  const Limit address{.name = "address", .rate = {.quota = 100, .window_microseconds = second}};
  const BucketDecision much{.decided = true, .admitted = true, .remaining = 99};
  const BucketDecision little{.decided = true, .admitted = true, .remaining = 7};
  const BucketDecision none_left{.decided = true, .admitted = true, .remaining = 0};
  const BucketDecision refused{.decided = true, .admitted = false, .retry_microseconds = 4 * second};
  const auto limit_told = [&](const BucketDecision& of_address, const BucketDecision& of_user) {
    http::Response response(200);
    add_rate_limit_headers(response, std::array{Told{&address, of_address}, Told{&inventory_write, of_user}},
                           HeaderStyle::legacy);
    return std::string(response.header("X-RateLimit-Limit").value_or("")) + " " +
           std::string(response.header("X-RateLimit-Remaining").value_or(""));
  };
  EXPECT_EQ(limit_told(much, little), "20 7");
  EXPECT_EQ(limit_told(little, much), "100 7");
  EXPECT_EQ(limit_told(much, refused), "20 0");
  EXPECT_EQ(limit_told(none_left, refused), "20 0");
  EXPECT_EQ(limit_told(refused, none_left), "100 0");
}

TEST(TheRateLimitHeaders, AreOfTheStyleThatWasAskedFor) {
  const BucketDecision decision{.decided = true, .admitted = true, .remaining = 7};
  const std::pair<std::string_view, std::pair<bool, bool>> styles[] = {
      {"none", {false, false}}, {"draft", {true, false}}, {"legacy", {false, true}}, {"both", {true, true}}};
  for (const auto& [name, has] : styles) {
    const auto style = header_style_named(name);
    ASSERT_TRUE(style) << name;
    http::Response response(200);
    tell(response, inventory_write, decision, *style);
    EXPECT_EQ(response.header("RateLimit").has_value(), has.first) << name;
    EXPECT_EQ(response.header("RateLimit-Policy").has_value(), has.first) << name;
    EXPECT_EQ(response.header("X-RateLimit-Limit").has_value(), has.second) << name;
    EXPECT_EQ(response.header("X-RateLimit-Remaining").has_value(), has.second) << name;
    EXPECT_EQ(response.header("X-RateLimit-Reset").has_value(), has.second) << name;
  }
  EXPECT_FALSE(header_style_named("all"));
  http::Response unlimited(200);
  add_rate_limit_headers(unlimited, {}, HeaderStyle::both);
  EXPECT_EQ(unlimited.header_lines(), "");
}

TEST(TheRateLimitHeaders, StandTheLargestNumbers) {
  const auto never = std::numeric_limits<std::int64_t>::max();
  http::Response response(429);
  tell(response, inventory_write,
       BucketDecision{.decided = true, .retry_microseconds = never, .refill_microseconds = never});
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

TEST(ADuration, IsWrittenAsACountOfAUnit) {
  EXPECT_EQ(parse_duration("50ms"), 50'000);
  EXPECT_EQ(parse_duration("3s"), 3 * second);
  EXPECT_EQ(parse_duration("5min"), 300 * second);
  EXPECT_EQ(parse_duration("1hour"), 3'600 * second);
  EXPECT_EQ(parse_duration("1day"), 86'400 * second);
  for (const std::string_view text : {"", "s", "0s", "-1s", "1", "1.5s", "2days", "25h", "1 s", "1w"})
    EXPECT_FALSE(parse_duration(text)) << text;
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
