// Limits of several nodes that share a Redis, as clients and operators meet them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "service/inventory.hpp"
#include "support/redis_server.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;

const std::vector<std::string> of_the_limiter = {"--redis-budget", "500", "--limit", "inventory-read=60/hour"};

NodeSettings with(NodeSettings settings, const std::vector<std::string>& arguments) {
  settings.arguments.insert(settings.arguments.end(), arguments.begin(), arguments.end());
  settings.limited = true;
  return settings;
}

std::int64_t admitted_of(const Node& node, int times) {
  const ApiCall read = get(node, "/api/inventory?limit=1");
  const std::vector<RawResponse> answers =
      send_all(node.port(), std::vector<ApiCall>(static_cast<std::size_t>(times), read));
  return std::ranges::count(answers, 200, &RawResponse::status);
}

bool says(const Node& node, const std::string& path, const std::string& what) {
  const auto until = monotonic_now() + std::chrono::seconds(20);
  while (monotonic_now() < until) {
    if (node.call({.path = path}).body.contains(what)) return true;
  }
  return false;
}

TEST(ThreeNodesWithARedis, CountALimitTogetherAndKeepTheirSharesWithoutIt) {
  RedisServer server({.password = "hunter2"});
  std::vector<std::string> arguments = of_the_limiter;
  arguments.insert(arguments.end(), {"--redis-url", server.url()});
  Node one(with({}, arguments));
  Node two(with(beside(one), arguments));
  Node three(with(beside(one), arguments));
  ASSERT_TRUE(one.becomes_ready() && two.becomes_ready() && three.becomes_ready());
  for (const Node* node : {&one, &two, &three}) ASSERT_TRUE(says(*node, "/metrics", "tenon_limits_nodes 3"));

  EXPECT_EQ(admitted_of(one, 15), 15);
  EXPECT_EQ(admitted_of(two, 15), 15);
  EXPECT_EQ(admitted_of(three, 40), 30);
  EXPECT_EQ(admitted_of(one, 10), 0);
  EXPECT_THAT(one.call({.path = "/metrics"}).body, HasSubstr("tenon_limits_shared 1"));

  server.kill_hard();
  ASSERT_TRUE(says(one, "/readyz", "Redis cannot be reached"));
  const RawResponse ready = one.call({.path = "/readyz"});
  EXPECT_EQ(ready.status, 200) << "a node serves without it: " << ready.body;
  EXPECT_EQ(admitted_of(one, 10), 0) << "it knows that the limit is used up";
  EXPECT_THAT(one.call({.path = "/metrics"}).body, HasSubstr("tenon_limits_shared 0"));

  server.start();
  ASSERT_TRUE(says(one, "/readyz", "\"limiter\":\"working\""));
  EXPECT_EQ(admitted_of(one, 10), 0) << "also when Redis has forgotten it";
  EXPECT_THAT(one.log(), HasSubstr("shared_limits_lost"));
  EXPECT_THAT(one.log(), testing::Not(HasSubstr("hunter2")));
  EXPECT_EQ(two.stop(), 0);
  EXPECT_EQ(three.stop(), 0);
  EXPECT_EQ(one.stop(), 0);
}

TEST(ANodeWithoutItsRedis, ServesAndSaysSo) {
  std::vector<std::string> arguments = of_the_limiter;
  arguments.insert(arguments.end(),
                   {"--redis-url", "redis://127.0.0.1:" + std::to_string(free_port()), "--nodes", "3"});
  Node node(with({}, arguments));
  EXPECT_EQ(admitted_of(node, 30), 20) << "its share of sixty";
  EXPECT_THAT(node.call({.path = "/readyz"}).body, HasSubstr("each node keeps its share"));
  EXPECT_THAT(node.log(), HasSubstr("refused"));
}

TEST(RedisSettings, ThatAreWrongStopTheStartAndTellNoPassword) {
  struct {
    std::vector<std::string> arguments;
    std::string told;
  } const rows[] = {
      {{"--redis-url", "http://cache"}, "must begin with redis://"},
      {{"--redis-url", "redis://:hunter2@cache:x"}, "a port is a number"},
      {{"--redis-url", "redis://cache", "--redis-ca", "/etc/ssl/cert.pem"}, "rediss://"},
      {{"--redis-ca", "/etc/ssl/cert.pem"}, "rediss://"},
      {{"--redis-url", "redis://cache", "--redis-budget", "0"}, "redis-budget"},
      {{"--redis-url", "redis://cache", "--nodes", "0"}, "nodes"},
  };
  for (const auto& [arguments, told] : rows) {
    std::vector<std::string> command{"config", "check"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const Ended ended = run_tenon(command);
    EXPECT_NE(ended.exit_code, 0) << told;
    EXPECT_THAT(ended.errors + ended.output, HasSubstr(told));
    EXPECT_THAT(ended.errors + ended.output, testing::Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace tenon::test
