// Three nodes, one Redis, 200 clients that ask for one subject: what is admitted, counted exactly, beside the bound
// that docs/decisions/0008-shared-limits.md gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>

#include "redis/limit_node.hpp"
#include "support/network.hpp"
#include "support/redis_server.hpp"
#include "support/tcp_peers.hpp"

namespace tenon::test {
namespace {

using safeguards::BucketRequest;
using safeguards::Rate;
using safeguards::SharedLimitsSettings;
using std::chrono::milliseconds;

constexpr std::int64_t second = 1'000'000;
constexpr Rate rate{.quota = 100, .window_microseconds = second};
constexpr int nodes = 3;
constexpr int clients = 200;

// Seconds of load; more of them by TENON_LIMITS_SECONDS.
int seconds_of_load() {
  const char* const text = std::getenv("TENON_LIMITS_SECONDS");
  return text == nullptr ? 3 : std::atoi(text);
}

Network& network() {
  static Network made;
  return made;
}

// In a namespace before anything else has a thread or a socket.
class InANamespace : public testing::Environment {
  void SetUp() override {
    if (!network().can_drop()) std::printf("no dropped packets here: %s\n", network().why_not().c_str());
  }
};
const testing::Environment* const in_a_namespace = testing::AddGlobalTestEnvironment(new InANamespace);

struct Cluster {
  RedisServer primary;
  RedisServer replica;
  TcpProxy proxy{primary.port()};
};

// A fault strikes after a third of the time; what mends it comes after two thirds.
struct Scenario {
  std::string name;
  int budget_milliseconds;
  int bursts;  // how many capacities the bound allows for
  std::function<void(Cluster&)> strike;
  std::function<void(Cluster&)> mend;
};
void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

void nothing(Cluster&) {}
void hang(Cluster& cluster) {
  if (network().can_drop()) {
    Network::drop(cluster.proxy.port());
  } else {
    cluster.proxy.set(TcpProxy::Mode::hold);
  }
}
void unhang(Cluster& cluster) {
  if (network().can_drop()) {
    Network::deliver();
  } else {
    cluster.proxy.set(TcpProxy::Mode::forward);
  }
}
void restart_empty(Cluster& cluster) {
  cluster.primary.kill_hard();
  cluster.primary.start();
}
// The replica follows in step here; one that had been cut off before would bring a whole burst more
// (docs/decisions/0008).
void fail_over(Cluster& cluster) {
  cluster.primary.kill_hard();
  cluster.replica.ask({"REPLICAOF", "NO", "ONE"});
  cluster.proxy.point_to(cluster.replica.port());
}

const Scenario scenarios[] = {
    {"Sound", 1'000, 1, nothing, nothing},
    {"RedisKilled", 50, 2, [](Cluster& cluster) { cluster.primary.kill_hard(); }, nothing},
    {"RedisHung", 50, 3, hang, unhang},
    {"RedisRestartedEmpty", 50, 3, restart_empty, nothing},
    {"RedisFailedOver", 50, 3, fail_over, nothing},
};

// All clients, spread over the nodes, for a third of the time.
Told load(const std::vector<std::unique_ptr<LimitNode>>& all) {
  const BucketRequest request{.policy = "p", .subject = "ann", .rate = rate};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const int more = static_cast<int>(i) < clients % nodes ? 1 : 0;
    all[i]->start_clients(clients / nodes + more, request, milliseconds(40));
  }
  std::this_thread::sleep_for(milliseconds(seconds_of_load() * 1'000 / 3));  // the clients ask meanwhile
  Told told;
  for (const auto& node : all) told.add(node->stop_clients());
  return told;
}

class ThreeNodes : public testing::TestWithParam<Scenario> {};

TEST_P(ThreeNodes, NeverAdmitMoreThanTheBound) {
  const Scenario& scenario = GetParam();
  Cluster cluster;
  cluster.replica.replicate(cluster.primary);
  const std::string url = "redis://127.0.0.1:" + std::to_string(cluster.proxy.port());
  const SharedLimitsSettings settings{.budget = milliseconds(scenario.budget_milliseconds)};
  std::vector<std::unique_ptr<LimitNode>> all;
  for (int i = 0; i < nodes; ++i) all.push_back(std::make_unique<LimitNode>(url, settings));
  for (const auto& node : all) ASSERT_TRUE(node->ready() && node->sees_nodes(nodes)) << node->log();

  const std::int64_t begun = microseconds_now();
  Told told = load(all);
  scenario.strike(cluster);
  Told outage = load(all);
  scenario.mend(cluster);
  told.add(load(all));
  told.add(outage);
  const std::int64_t took = microseconds_now() - begun;

  std::uint64_t from_memory = 0;
  for (const auto& node : all) from_memory += node->store().counts().by_memory;
  const std::int64_t fair = rate.quota + took / rate.token_microseconds();
  const std::int64_t bound = fair + (scenario.bursts - 1) * rate.quota;
  EXPECT_LE(told.admitted, bound);
  EXPECT_GE(told.admitted, fair * 6 / 10) << "the limit is used, too";
  EXPECT_GT(told.asked, 2 * fair) << "else it was no test of a limit";
  if (scenario.bursts == 1) {
    EXPECT_EQ(from_memory, 0U);
  } else {
    EXPECT_GT(from_memory, 0U) << "the fault did not take effect";
  }
  std::printf(
      "%-20s %lld admitted of %lld in %.2f s; capacity + rate x t = %lld (%+lld), bound %lld; %llu from memory; "
      "in the outage p50 %lld us, p99 %lld us, most %lld us\n",
      scenario.name.c_str(), static_cast<long long>(told.admitted), static_cast<long long>(told.asked),
      static_cast<double>(took) / second, static_cast<long long>(fair), static_cast<long long>(told.admitted - fair),
      static_cast<long long>(bound), static_cast<unsigned long long>(from_memory),
      static_cast<long long>(outage.percentile(0.5)), static_cast<long long>(outage.percentile(0.99)),
      static_cast<long long>(outage.percentile(1)));
}

INSTANTIATE_TEST_SUITE_P(With, ThreeNodes, testing::ValuesIn(scenarios),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace tenon::test
