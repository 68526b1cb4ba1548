// Rate limits as clients meet them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <thread>

#include "service/bad_input.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

int retry_after(const RawResponse& answer) { return std::stoi(answer.header("Retry-After").value_or("0")); }

TEST(Limit, OnWritesIsTwentyAMinuteByDefault) {
  const Node node({.limited = true});
  const std::string item = make_item(node, 1'000);
  const Monotonic begun = monotonic_now();
  const auto most = [begun] { return 20 + static_cast<int>((monotonic_now() - begun) / std::chrono::seconds(3)) + 1; };
  RawResponse answer;
  int admitted = 1;  // the item
  while ((answer = node.call(sell(node, item, 1))).status == 200 && admitted <= most()) ++admitted;
  EXPECT_GE(admitted, 20);
  EXPECT_LE(admitted, most()) << "one token flows in every three seconds";
  expect_problem(answer, 429, "rate_limited");
  EXPECT_GE(retry_after(answer), 1);
  EXPECT_LE(retry_after(answer), 3);
  EXPECT_EQ(answer.header("RateLimit-Policy"), "\"inventory-write\";q=20;w=60");
}

// By the hour, so that no token flows in meanwhile.
TEST(Limit, OnWritesIsForEachAddressAndWhatIsPastItIsRefusedWithoutATrace) {
  const Node node({.arguments = {"--limit", "inventory-write=20/hour"}, .limited = true});
  const std::string item = make_item(node, 100);  // the first write
  for (int i = 2; i <= 20; ++i) {
    // By another user each time: it is the address that counts.
    ApiCall sale = sell(node, item, 1);
    sale.token = node.token("user-" + std::to_string(i), "staff");
    const RawResponse answer = node.call(sale);
    ASSERT_EQ(answer.status, 200) << i << answer.body;
    EXPECT_EQ(answer.header("RateLimit-Policy"), "\"inventory-write\";q=20;w=3600");
    EXPECT_THAT(answer.header("RateLimit").value_or(""),
                StartsWith("\"inventory-write\";r=" + std::to_string(20 - i) + ";t="));
    EXPECT_EQ(answer.header("X-RateLimit-Limit"), "20");
    EXPECT_EQ(answer.header("X-RateLimit-Remaining"), std::to_string(20 - i));
    EXPECT_TRUE(answer.header("X-RateLimit-Reset").has_value());
  }
  const std::string before = traces(node.superuser());
  const RawResponse refused = node.call(sell(node, item, 1, "the-twenty-first"));
  expect_problem(refused, 429, "rate_limited");
  EXPECT_GE(retry_after(refused), 1);
  EXPECT_LE(retry_after(refused), 180) << "one token flows in every three minutes";
  EXPECT_EQ(refused.header("X-RateLimit-Remaining"), "0");
  EXPECT_EQ(refused.header("RateLimit-Policy"), "\"inventory-write\";q=20;w=3600");
  EXPECT_FALSE(refused.header("Idempotency-Status").has_value());
  EXPECT_EQ(traces(node.superuser()), before);
  // All writes share it, refusals of strangers are charged too, and reads have their own.
  EXPECT_EQ(node.call(order(node, R"([{"item_id":")" + item + R"(","quantity":1}])")).status, 429);
  ApiCall stranger = sell(node, item, 1);
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
      {.arguments = {"--trusted-proxy", "127.0.0.0/8", "--limit", "inventory-write=2/hour"}, .limited = true});
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
  wary.arguments.insert(wary.arguments.end(), {"--limit", "inventory-write=2/hour"});
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

// `text` as tenon.toml.
class SettingsFile {
 public:
  explicit SettingsFile(const std::string& text) { std::ofstream(path()) << text; }
  [[nodiscard]] std::string path() const { return (folder_.path() / "tenon.toml").string(); }

 private:
  TemporaryFolder folder_;
};

TEST(Limit, MakesWhoPushesWaitLongerAndLonger) {
  const SettingsFile file("[limits.inventory-read]\nrate = \"1/hour\"\npenalty = \"10min..30min\"\n");
  const Node node({.arguments = {"--config", file.path()}, .limited = true});
  const ApiCall read = get(node, "/api/inventory");
  EXPECT_EQ(node.call(read).status, 200);
  const auto expect_minutes = [](const RawResponse& refused, int minutes) {
    EXPECT_EQ(refused.status, 429);
    EXPECT_LE(retry_after(refused), minutes * 60);
    EXPECT_GT(retry_after(refused), (minutes - 5) * 60) << "as far as the machine is not much too busy";
  };
  expect_minutes(node.call(read), 60);
  std::this_thread::sleep_for(std::chrono::milliseconds(60));  // more than what is excused as being under way
  expect_minutes(node.call(read), 70);
  expect_minutes(node.call(read), 80);
  const RawResponse last = node.call(read);
  expect_minutes(last, 90);
  EXPECT_EQ(last.header("X-RateLimit-Reset"), last.header("Retry-After"));
  const std::string metrics = node.call({.path = "/metrics"}).body;
  EXPECT_THAT(metrics, HasSubstr("tenon_limited_total{decision=\"refused\",limit=\"inventory-read\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("tenon_limited_total{decision=\"penalized\",limit=\"inventory-read\"} 3"));
}

TEST(Limit, AdmitsWhoWaitedAsTold) {
  const SettingsFile file("[limits.inventory-read]\nrate = \"1/s\"\npenalty = \"1s..3s\"\n");
  const Node node({.arguments = {"--config", file.path()}, .limited = true});
  const ApiCall read = get(node, "/api/inventory");
  RawResponse answer;
  for (int i = 0; i < 50 && (answer = node.call(read)).status == 200; ++i) continue;
  ASSERT_EQ(answer.status, 429);
  std::this_thread::sleep_for(std::chrono::seconds(retry_after(answer)));
  EXPECT_EQ(node.call(read).status, 200);
}

TEST(Limit, InShadowModeRefusesNobodyShowsNothingAndCounts) {
  const SettingsFile file("[limits.inventory-read]\nrate = \"2/hour\"\nmode = \"shadow\"\n");
  const Node node({.arguments = {"--config", file.path()}, .limited = true});
  for (int i = 0; i < 5; ++i) {
    const RawResponse answer = node.call(get(node, "/api/inventory"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.header("RateLimit"), std::nullopt);
    EXPECT_EQ(answer.header("X-RateLimit-Limit"), std::nullopt);
  }
  const std::string metrics = node.call({.path = "/metrics"}).body;
  EXPECT_THAT(metrics, HasSubstr("tenon_limited_total{decision=\"would_refuse\",limit=\"inventory-read\"} 3"));
  EXPECT_THAT(metrics, Not(HasSubstr("decision=\"refused\"")));
}

TEST(Limit, OfTheFilesOwnStandsBeforeTheRoutesItNames) {
  const SettingsFile file(
      "headers = \"draft\"\n[limits.inventory-read]\nrate = \"600/hour\"\n"
      "[limits.lists]\nrate = \"2/hour\"\nper = \"user\"\nroutes = [\"GET /api/business\", \"GET /api/inventory\"]\n");
  const Node node({.arguments = {"--config", file.path()}, .limited = true});
  const RawResponse first = node.call(get(node, "/api/inventory"));
  EXPECT_EQ(first.header("RateLimit-Policy"), "\"inventory-read\";q=600;w=3600, \"lists\";q=2;w=3600");
  EXPECT_EQ(first.header("X-RateLimit-Limit"), std::nullopt);
  EXPECT_EQ(node.call(get(node, "/api/business")).header("RateLimit-Policy"), "\"lists\";q=2;w=3600");
  const RawResponse refused = node.call(get(node, "/api/inventory"));
  expect_problem(refused, 429, "rate_limited");
  EXPECT_THAT(refused.header("RateLimit").value_or(""),
              testing::MatchesRegex("\"inventory-read\";r=59[89];t=[1-6], \"lists\";r=0;t=1[78][0-9]+"));
  EXPECT_GT(retry_after(refused), 1700);
  EXPECT_LE(retry_after(refused), 1800);
  ApiCall of_another = get(node, "/api/inventory");
  of_another.token = node.token("another", "");
  EXPECT_EQ(node.call(of_another).status, 200);
}

// What a guess costs: the request itself, and two more.
TEST(Limit, ChargesForgedTokensAndReusedKeysMore) {
  const Node node({.arguments = {"--limit", "inventory-write=100/hour", "--headers", "legacy"}, .limited = true});
  const auto left = [&](const ApiCall& call, int status) {
    const RawResponse answer = node.call(call);
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.header("RateLimit"), std::nullopt);
    return std::stoi(answer.header("X-RateLimit-Remaining").value_or("-1"));
  };
  const std::string item = make_item(node, 100);
  const ApiCall sale = sell(node, item, 1, "taken");
  const int before = left(sale, 200);
  EXPECT_EQ(left(sell(node, item, 2, "taken"), 409), before - 1);
  EXPECT_EQ(left(sale, 200), before - 4) << "a replay costs the address one, the reuse before it cost three";
  ApiCall forged = sale;
  forged.token += "x";
  EXPECT_EQ(left(forged, 401), before - 5);
  EXPECT_EQ(left(sale, 200), before - 8);
  EXPECT_THAT(node.call({.path = "/metrics"}).body,
              HasSubstr("tenon_limited_total{decision=\"misbehaved\",limit=\"inventory-write\"} 2"));
}

// Whatever a client writes into X-Forwarded-For: no crash, and no bucket but its own.
TEST(Limit, IsOfThePeerWhateverItsForwardedHeadersSay) {
  std::string many;
  while (many.size() < 7'000) many += "203.0.113.7, ";
  const std::string values[] = {many + "x",
                                std::string(7'000, ','),
                                "garbage",
                                "999.1.1.1",
                                "203.0.113.9:99999x",
                                "[::1",
                                "[203.0.113.9]",
                                "[2001:db8::1]:",
                                "unknown",
                                "_hidden",
                                "/run/tenon.sock",
                                "@",
                                "unix:",
                                "127.0.0.1",
                                "::ffff:127.0.0.1",
                                "[::ffff:127.0.0.1]:80"};
  const std::vector<std::string> arguments{"--limit", "inventory-read=1/hour", "--trusted-proxy", "127.0.0.0/8"};
  for (const bool trusting : {false, true}) {
    NodeSettings settings{.arguments = {arguments.begin(), arguments.begin() + (trusting ? 4 : 2)}, .limited = true};
    const Node node(settings);
    EXPECT_EQ(node.call(get(node, "/api/inventory")).status, 200);
    for (const std::string& value : values) {
      ApiCall call = get(node, "/api/inventory");
      call.headers = {{"X-Forwarded-For", value}};
      EXPECT_EQ(node.call(call).status, 429) << value.substr(0, 40);
    }
    ApiCall call = get(node, "/api/inventory");
    call.headers = {{"X-Forwarded-For", "203.0.113.9"}};
    EXPECT_EQ(node.call(call).status, trusting ? 200 : 429);
  }
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
