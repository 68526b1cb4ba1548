// What a node decides while Redis is not what it should be, and when it is back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "redis/limit_node.hpp"
#include "safeguards/rate_limit/leases.hpp"
#include "support/redis_server.hpp"
#include "support/tcp_peers.hpp"

namespace tenon::test {
namespace {

using safeguards::BucketRequest;
using safeguards::Rate;
using safeguards::SharedLimitsSettings;
using safeguards::StoreLoss;
using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::int64_t second = 1'000'000;
constexpr Rate sixty_an_hour{.quota = 60, .window_microseconds = 3'600 * second};

BucketRequest by(const std::string_view subject, StoreLoss on_loss = StoreLoss::share) {
  return {.policy = "p", .subject = subject, .rate = sixty_an_hour, .on_store_loss = on_loss};
}

// Of a limit that is leased, at least. A sanitizer makes clients and node so much slower beside Redis that leases run
// out half used.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int decisions_a_call = 2;
#else
constexpr int decisions_a_call = 5;
#endif

// Patient with Redis: the machine may be busy, and what is slow here is not what is tested.
SharedLimitsSettings patient() { return {.budget = milliseconds(250), .probe_pause = milliseconds(20)}; }

int admitted_of(LimitNode& node, const BucketRequest& request, int times) {
  int admitted = 0;
  for (int i = 0; i < times; ++i) admitted += node.ask(request).admitted ? 1 : 0;
  return admitted;
}

std::string local(std::uint16_t port) { return "redis://127.0.0.1:" + std::to_string(port); }

TEST(TheSharedStore, CountsForAllNodes) {
  const RedisServer server;
  LimitNode one(server.url(), patient()), two(server.url(), patient());
  ASSERT_TRUE(one.ready() && two.ready());
  EXPECT_EQ(admitted_of(one, by("ann"), 40), 40);
  EXPECT_EQ(admitted_of(two, by("ann"), 40), 20);
  EXPECT_EQ(admitted_of(one, by("ann"), 40), 0);
  EXPECT_EQ(admitted_of(one, by("bob"), 1), 1);
  EXPECT_EQ(one.store().trouble(), "");
}

TEST(TheSharedStore, IsChargedForBadBehaviour) {
  const RedisServer server;
  LimitNode one(server.url(), patient()), two(server.url(), patient());
  ASSERT_TRUE(one.ready() && two.ready());
  BucketRequest request = by("ann");
  request.cost = 50;
  one.charge(request);
  std::ignore = one.ask(by("nobody in particular"));  // answered after the charge
  EXPECT_EQ(admitted_of(two, by("ann"), 60), 10);
}

// Whatever is wrong with Redis: the fault, what /readyz says, and how it is mended.
struct Fault {
  std::string name;
  std::string told;
  std::function<void(RedisServer&, RedisServer&, TcpProxy&)> strike;
  std::function<void(RedisServer&, RedisServer&, TcpProxy&)> mend;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

const Fault faults[] = {
    {"Killed", "cannot be reached", [](RedisServer& redis, RedisServer&, TcpProxy&) { redis.kill_hard(); },
     [](RedisServer& redis, RedisServer&, TcpProxy&) { redis.start(); }},
    {"Refused", "cannot be reached",
     [](RedisServer&, RedisServer&, TcpProxy& proxy) { proxy.set(TcpProxy::Mode::refuse); },
     [](RedisServer&, RedisServer&, TcpProxy& proxy) { proxy.set(TcpProxy::Mode::forward); }},
    {"Frozen", "", [](RedisServer& redis, RedisServer&, TcpProxy&) { redis.freeze(); },
     [](RedisServer& redis, RedisServer&, TcpProxy&) { redis.thaw(); }},
    {"Hung", "", [](RedisServer&, RedisServer&, TcpProxy& proxy) { proxy.set(TcpProxy::Mode::hold); },
     [](RedisServer&, RedisServer&, TcpProxy& proxy) { proxy.set(TcpProxy::Mode::forward); }},
    {"Slow", "", [](RedisServer&, RedisServer&, TcpProxy& proxy) { proxy.delay(milliseconds(400)); },
     [](RedisServer&, RedisServer&, TcpProxy& proxy) { proxy.delay(milliseconds(0)); }},
    {"Full", "is full",
     [](RedisServer& redis, RedisServer&, TcpProxy&) { redis.ask({"CONFIG", "SET", "maxmemory", "1"}); },
     [](RedisServer& redis, RedisServer&, TcpProxy&) { redis.ask({"CONFIG", "SET", "maxmemory", "0"}); }},
    {"ReadOnly", "", [](RedisServer& redis, RedisServer& other, TcpProxy&) { redis.replicate(other); },
     [](RedisServer& redis, RedisServer&, TcpProxy&) { redis.ask({"REPLICAOF", "NO", "ONE"}); }},
    {"CutOffFromItsReplicas", "takes no writes",
     [](RedisServer& redis, RedisServer&, TcpProxy&) { redis.ask({"CONFIG", "SET", "min-replicas-to-write", "1"}); },
     [](RedisServer& redis, RedisServer&, TcpProxy&) { redis.ask({"CONFIG", "SET", "min-replicas-to-write", "0"}); }},
    {"WithoutItsPrimary", "loading or busy",
     [](RedisServer& redis, RedisServer&, TcpProxy&) {
       redis.ask({"CONFIG", "SET", "replica-serve-stale-data", "no"});
       redis.ask({"REPLICAOF", "127.0.0.1", std::to_string(free_port())});
     },
     [](RedisServer& redis, RedisServer&, TcpProxy&) { redis.ask({"REPLICAOF", "NO", "ONE"}); }},
    {"Busy", "loading or busy",
     [](RedisServer& redis, RedisServer&, TcpProxy&) {
       redis.ask({"CONFIG", "SET", "busy-reply-threshold", "1"});
       redis.tell({"EVAL", "while true do end", "0"});
     },
     [](RedisServer& redis, RedisServer&, TcpProxy&) { redis.ask({"SCRIPT", "KILL"}); }},
    {"AnsweringGarbage", "", [](RedisServer&, RedisServer&, TcpProxy& proxy) { proxy.set(TcpProxy::Mode::garbage); },
     [](RedisServer&, RedisServer&, TcpProxy& proxy) { proxy.set(TcpProxy::Mode::forward); }},
    {"AskingForAPassword", "",
     [](RedisServer& redis, RedisServer&, TcpProxy& proxy) {
       redis.ask({"CONFIG", "SET", "requirepass", "other"});
       proxy.set(TcpProxy::Mode::refuse);
       proxy.set(TcpProxy::Mode::forward);
     },
     [](RedisServer& redis, RedisServer&, TcpProxy&) { redis.ask({"CONFIG", "SET", "requirepass", ""}, "other"); }},
};

class AStoreThatLosesRedis : public testing::TestWithParam<Fault> {};

TEST_P(AStoreThatLosesRedis, GoesOnFromTheLastKnownLevelAndComesBack) {
  const Fault& fault = GetParam();
  RedisServer server;
  RedisServer other;
  TcpProxy proxy(server.port());
  LimitNode node(local(proxy.port()), patient());
  ASSERT_TRUE(node.ready());
  ASSERT_EQ(admitted_of(node, by("ann"), 50), 50);

  fault.strike(server, other, proxy);
  // Ten are left, and that is known here.
  EXPECT_EQ(admitted_of(node, by("ann"), 20), 10);
  ASSERT_TRUE(node.becomes(false));
  EXPECT_THAT(std::string(node.store().trouble()), HasSubstr(fault.told));
  EXPECT_FALSE(node.store().trouble().empty());

  // Nobody waits for Redis now.
  const auto calls = node.store().counts().calls;
  EXPECT_EQ(admitted_of(node, by("bob"), 1'000), 60);
  EXPECT_EQ(node.store().counts().calls, calls);

  fault.mend(server, other, proxy);
  ASSERT_TRUE(node.becomes(true)) << node.log();
  EXPECT_EQ(node.store().trouble(), "");
  const auto before = node.store().counts().by_redis;
  EXPECT_EQ(admitted_of(node, by("ann"), 5), 0) << "also when Redis has forgotten her";
  EXPECT_EQ(admitted_of(node, by("bob"), 5), 0) << "nor what was admitted without it";
  EXPECT_EQ(admitted_of(node, by("cid"), 1), 1);
  EXPECT_GT(node.store().counts().by_redis, before);
  EXPECT_EQ(node.logged("shared_limits_lost"), 1) << node.log();
  EXPECT_EQ(node.logged("shared_limits_there"), 2) << node.log();
  EXPECT_EQ(node.store().counts().losses, 1U);
}

INSTANTIATE_TEST_SUITE_P(As, AStoreThatLosesRedis, testing::ValuesIn(faults),
                         [](const auto& row) { return row.param.name; });

TEST(AStoreWithoutRedis, AdmitsItsShareAndWhatElseAPolicyAsksFor) {
  RedisServer server;
  LimitNode one(server.url(), patient()), two(server.url(), patient()), three(server.url(), patient());
  ASSERT_TRUE(one.ready() && two.ready() && three.ready());
  ASSERT_TRUE(one.sees_nodes(3) && two.sees_nodes(3) && three.sees_nodes(3));
  server.kill_hard();
  ASSERT_TRUE(one.becomes(false) && two.becomes(false) && three.becomes(false));
  for (LimitNode* node : {&one, &two, &three}) {
    EXPECT_EQ(admitted_of(*node, by("ann"), 100), 20);
    EXPECT_EQ(admitted_of(*node, by("bob", StoreLoss::local), 100), 60);
    EXPECT_EQ(admitted_of(*node, by("cid", StoreLoss::open), 100), 100);
    EXPECT_EQ(admitted_of(*node, by("dan", StoreLoss::closed), 100), 0);
  }
  const auto closed = one.ask(by("dan", StoreLoss::closed));
  EXPECT_EQ(closed.retry_microseconds, second);
}

TEST(AStoreWithoutRedis, DecidesInOrderAndStopsAtTheFirstRefusal) {
  LimitNode node(local(free_port()), patient());
  const BucketRequest small{
      .policy = "small", .subject = "ann", .rate = {.quota = 1, .window_microseconds = 60 * second}};
  EXPECT_TRUE(node.ask({small, by("ann")})[1].admitted);
  const auto decisions = node.ask({small, by("ann")});
  EXPECT_FALSE(decisions[0].admitted);
  EXPECT_FALSE(decisions[1].decided);
  EXPECT_EQ(node.ask(by("ann")).remaining, 58);
}

TEST(AStoreWithoutRedis, FromTheStartCountsAloneAndSaysSo) {
  SharedLimitsSettings settings = patient();
  settings.nodes_least = 3;
  LimitNode node(local(free_port()), settings);
  EXPECT_FALSE(node.ready(milliseconds(50)));
  EXPECT_EQ(admitted_of(node, by("ann"), 100), 20) << "one of at least three";
  EXPECT_THAT(node.log(), HasSubstr("shared_limits_lost"));
  EXPECT_THAT(node.log(), HasSubstr("refused"));
}

// The first to find out pay; then nobody does.
TEST(AStoreWithoutRedis, WaitsNoLongerThanItsBudgetAndOnlyAFewTimes) {
  RedisServer server;
  TcpProxy proxy(server.port());
  SharedLimitsSettings settings = patient();
  LimitNode node(local(proxy.port()), settings);
  ASSERT_TRUE(node.ready());
  std::ignore = node.ask(by("ann"));
  proxy.set(TcpProxy::Mode::hold);
  const auto calls = node.store().counts().calls;
  const auto begun = monotonic_now();
  for (int i = 0; i < 200; ++i) std::ignore = node.ask(by("ann"));
  EXPECT_LE(node.store().counts().calls - calls, static_cast<std::uint64_t>(settings.failures_to_shut));
  EXPECT_LT(monotonic_now() - begun, std::chrono::seconds(20)) << "Redis answers never";
}

// A node that ends: its threads run no more, what they left undone goes with their contexts, one after the other.
TEST(AStoreWithoutRedis, IsLetGoOfByWhicheverContextGoesLast) {
  const TemporaryFolder folder;
  Logger log(folder.path() / "log", LogLevel::info);
  auto one = std::make_unique<boost::asio::io_context>(1);
  auto other = std::make_unique<boost::asio::io_context>(1);
  {
    redis::Client client({one.get(), other.get()}, {.address = redis::parse_address(local(free_port())).value()});
    safeguards::MemoryBucketStore memory(1'000, microseconds_now);
    safeguards::FallingBackStore store({one.get(), other.get()}, client, memory, microseconds_now, patient(), log);
    client.start();
    store.start();
    for (const auto& context : {one.get(), other.get()}) context->run_for(milliseconds(20));
    store.stop();
    client.stop();
  }
  one.reset();  // AddressSanitizer says when the other still wants something of it
  other.reset();
}

// Refused again while the node does not ask Redis: who waits as told then is not punished for it.
TEST(ALeasedLimit, TellsTheSameWaitWhileItDoesNotAskAgain) {
  const RedisServer server;
  LimitNode node(server.url(), patient());
  ASSERT_TRUE(node.ready());
  const BucketRequest request{.policy = "big",
                              .subject = "ann",
                              .rate = {.quota = 10'000, .window_microseconds = 10 * second},
                              .penalty = {.base_microseconds = 60 * second, .cap_microseconds = 600 * second}};
  const std::int64_t redis_now = std::stoll(server.ask({"TIME"}).elements.at(0).text) * second;
  const auto written = [&](std::int64_t offset) { return std::to_string(redis_now + offset * second); };
  server.ask({"SET", "tn:{ann}:big", "0 " + written(90) + " " + written(-30) + " 1 " + written(-30)});
  std::int64_t asked = 0, refused_here = 0;
  while (refused_here < 2 && ++asked < 1'000) {
    const auto calls = node.store().counts().calls;
    const auto decision = node.ask(request);
    ASSERT_FALSE(decision.admitted);
    EXPECT_GT(decision.retry_microseconds, 59 * second);
    EXPECT_TRUE(decision.penalized);
    if (node.store().counts().calls == calls) ++refused_here;
  }
  EXPECT_EQ(refused_here, 2) << "never twice within an eighth of a lease's lifetime";
}

TEST(ALeasedLimit, CostsFewCallsAndIsNeverExceeded) {
  const RedisServer server;
  LimitNode one(server.url(), patient()), two(server.url(), patient());
  ASSERT_TRUE(one.ready() && two.ready());
  const Rate big{.quota = 10'000, .window_microseconds = second};
  const BucketRequest request{.policy = "big", .subject = "ann", .rate = big};
  const std::int64_t begun = microseconds_now();
  constexpr int clients = 20;
  for (LimitNode* node : {&one, &two}) node->start_clients(clients, request, milliseconds(0));
  const auto by_lease = [&] { return one.store().counts().by_lease + two.store().counts().by_lease; };
  // Longer where the machine is slow: until more was asked for than there is at first.
  while (microseconds_now() - begun < second || (by_lease() < 15'000 && microseconds_now() - begun < 20 * second)) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  Told told = one.stop_clients();
  told.add(two.stop_clients());
  const std::int64_t took = microseconds_now() - begun;
  const auto calls = one.store().counts().calls + two.store().counts().calls;
  const auto leased = by_lease();
  EXPECT_LE(told.admitted, big.quota + took / big.token_microseconds());
  // Where the machine is so busy that Redis was late, tokens were taken ahead from nobody for a while.
  if (one.store().counts().failures + two.store().counts().failures == 0) {
    // Each client of a node may find its lease at an end: asking hardly more often than that in a lease's lifetime, as
    // under a sanitizer, they have little of it.
    const std::int64_t lifetimes = took / safeguards::lease_terms(big, 1).lifetime_microseconds;
    if (told.asked > 2 * lifetimes * 10 * clients) {
      EXPECT_GT(leased, decisions_a_call * calls) << "of " << told.asked;
    }
    EXPECT_GT(told.admitted, big.quota) << "what flows in is used as well";
  }
  std::printf(
      "%lld asked, %lld admitted of at most %lld; %llu calls, %llu by lease, %llu by memory: %.1f decisions a call\n",
      static_cast<long long>(told.asked), static_cast<long long>(told.admitted),
      static_cast<long long>(big.quota + took / big.token_microseconds()), static_cast<unsigned long long>(calls),
      static_cast<unsigned long long>(leased),
      static_cast<unsigned long long>(one.store().counts().by_memory + two.store().counts().by_memory),
      static_cast<double>(told.asked) / static_cast<double>(calls));
}

}  // namespace
}  // namespace tenon::test
