#include "safeguards/rate_limit/redis_buckets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/await_result.hpp"
#include "support/redis_server.hpp"

namespace tenon::test {
namespace {

using safeguards::BucketRequest;
using safeguards::BucketState;
using safeguards::Penalty;
using safeguards::Rate;
using safeguards::RedisBuckets;
using safeguards::SharedDecision;
using safeguards::SharedRequest;
using safeguards::SharedStoreError;
using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::int64_t second = 1'000'000;
// A token in three minutes, and in half an hour: none flows in meanwhile, however busy the machine is.
constexpr Rate twenty_an_hour{.quota = 20, .window_microseconds = 3'600 * second};
constexpr Rate two_an_hour{.quota = 2, .window_microseconds = 3'600 * second};

class ARedisBucket : public testing::Test {
 protected:
  explicit ARedisBucket(RedisOptions options = {})
      : server(std::move(options)), client({&io}, {.address = redis::parse_address(server.url()).value()}) {
    client.start();
    const auto until = monotonic_now() + std::chrono::seconds(10);
    while (client.connected() == 0 && monotonic_now() < until) io.run_one_for(milliseconds(10));
  }
  ~ARedisBucket() override {
    client.stop();
    io.restart();
    io.run_for(std::chrono::seconds(5));
  }
  std::vector<SharedDecision> take(const std::vector<SharedRequest>& requests) {
    std::vector<SharedDecision> decisions(requests.size());
    await_result(io, buckets.take(requests, decisions, monotonic_now() + std::chrono::seconds(5)));
    return decisions;
  }
  SharedDecision take(const SharedRequest& request) { return take(std::vector{request}).front(); }
  std::string told(const std::vector<std::string>& parts) const {
    const redis::Reply reply = server.ask(parts);
    return reply.kind == redis::Reply::Kind::integer ? std::to_string(reply.integer) : reply.text;
  }

  RedisServer server;
  boost::asio::io_context io{1};
  redis::Client client;
  RedisBuckets buckets{client};
};

constexpr BucketRequest alice(const Rate& rate) { return {.policy = "p", .subject = "user:alice", .rate = rate}; }

TEST_F(ARedisBucket, GivesWhatItHoldsAndThenRefuses) {
  for (int i = 1; i <= 20; ++i) {
    const auto decision = take({.bucket = alice(twenty_an_hour)}).decision;
    EXPECT_TRUE(decision.admitted);
    EXPECT_EQ(decision.remaining, 20 - i);
  }
  const auto refused = take({.bucket = alice(twenty_an_hour)}).decision;
  EXPECT_TRUE(refused.decided);
  EXPECT_FALSE(refused.admitted);
  EXPECT_GT(refused.retry_microseconds, 120 * second);
  EXPECT_LE(refused.retry_microseconds, 180 * second);
}

TEST_F(ARedisBucket, DecidesAllOfARequestInOneCallAndStopsAtTheFirstRefusal) {
  const BucketRequest address{.policy = "reads", .subject = "ip:10.0.0.7", .rate = two_an_hour};
  const BucketRequest user{.policy = "writes", .subject = "user:alice", .rate = twenty_an_hour};
  EXPECT_TRUE(take({{.bucket = address}, {.bucket = user}})[1].decision.admitted);
  EXPECT_TRUE(take({{.bucket = address}, {.bucket = user}})[1].decision.admitted);
  const auto third = take({{.bucket = address}, {.bucket = user}});
  EXPECT_FALSE(third[0].decision.admitted);
  EXPECT_FALSE(third[1].decision.decided);
  EXPECT_EQ(take({.bucket = user}).decision.remaining, 17) << "the third request did not touch it";
  const std::string calls = told({"INFO", "commandstats"});
  EXPECT_THAT(calls, HasSubstr("cmdstat_evalsha:calls=4"));
}

TEST_F(ARedisBucket, OfAShadowStopsNobody) {
  BucketRequest shadow = alice(two_an_hour);
  shadow.shadow = true;
  const BucketRequest other{.policy = "q", .subject = "user:alice", .rate = twenty_an_hour};
  for (int i = 0; i < 2; ++i) take({.bucket = shadow});
  const auto decisions = take({{.bucket = shadow}, {.bucket = other}});
  EXPECT_FALSE(decisions[0].decision.admitted);
  EXPECT_TRUE(decisions[1].decision.admitted);
}

TEST_F(ARedisBucket, VanishesByItselfWhenItIsFullAgain) {
  take({.bucket = alice(twenty_an_hour)});
  EXPECT_EQ(told({"EXISTS", "tn:{user:alice}:p"}), "1");
  const std::int64_t left = server.ask({"PTTL", "tn:{user:alice}:p"}).integer;
  EXPECT_GT(left, 120'000);
  EXPECT_LE(left, 180'001) << "one token of twenty an hour";
}

TEST_F(ARedisBucket, KeepsThePenaltyForAllNodes) {
  BucketRequest request = alice(two_an_hour);
  request.penalty = {.base_microseconds = 600 * second, .cap_microseconds = 6'000 * second};
  for (int i = 0; i < 2; ++i) take({.bucket = request});
  const std::int64_t first = take({.bucket = request}).decision.retry_microseconds;
  EXPECT_LE(first, 1'800 * second);
  // Pushing within the grace is not held against anybody; here it is over.
  server.ask({"EVAL",
              "local t = redis.call('TIME') local b = t[1] + 0 repeat local n = redis.call('TIME') until "
              "(n[1] - t[1]) * 1000000 + n[2] - t[2] > 60000",
              "0"});
  const auto second_one = take({.bucket = request}).decision;
  EXPECT_TRUE(second_one.penalized);
  EXPECT_GT(second_one.retry_microseconds, first + 540 * second);
}

TEST_F(ARedisBucket, IsChargedWhetherItHasTokensOrNot) {
  BucketRequest request = alice(twenty_an_hour);
  request.cost = 25;
  take({.bucket = request, .charge = true});
  request.cost = 1;
  const auto refused = take({.bucket = request}).decision;
  EXPECT_FALSE(refused.admitted);
  EXPECT_GT(refused.retry_microseconds, 900 * second) << "five more than it held, and one for this";
}

TEST_F(ARedisBucket, GivesMoreTokensAlongWhenTheyAreThere) {
  EXPECT_EQ(take({.bucket = alice(twenty_an_hour), .more = 9}).more, 9);
  EXPECT_EQ(take({.bucket = alice(twenty_an_hour), .more = 100}).more, 9);
  const auto refused = take({.bucket = alice(twenty_an_hour), .more = 100});
  EXPECT_FALSE(refused.decision.admitted);
  EXPECT_EQ(refused.more, 0);
}

TEST_F(ARedisBucket, ThatWasLostIsRaisedToWhatANodeRemembersButNeverLowered) {
  const auto last = take({.bucket = alice(twenty_an_hour), .more = 14});
  server.ask({"FLUSHALL"});
  const SharedRequest again{.bucket = alice(twenty_an_hour), .remembers = true, .remembered = last.state};
  EXPECT_EQ(take(again).decision.remaining, 4);
  const SharedRequest less{.bucket = alice(twenty_an_hour), .remembers = true, .remembered = {.full_at = -second}};
  EXPECT_EQ(take(less).decision.remaining, 3);
  server.ask({"SET", "tn:{user:alice}:p", "no number of ours"});
  EXPECT_EQ(take({.bucket = alice(twenty_an_hour)}).decision.remaining, 19) << "what cannot be read is a new bucket";
}

// Ten hours' worth of a token a minute, and under a minute's worth: what a limit is before and after it was changed.
constexpr Rate long_one{.quota = 600, .window_microseconds = 36'000 * second};
constexpr Rate short_one{.quota = 5, .window_microseconds = 50 * second};

TEST_F(ARedisBucket, IsNotRefilledByANodeWhoseRateIsAnotherOne) {
  ASSERT_EQ(take({.bucket = alice(long_one), .more = 569}).more, 569);
  EXPECT_FALSE(take({.bucket = alice(short_one)}).decision.admitted);
  BucketRequest misbehaved = alice(short_one);
  misbehaved.cost = 2;
  take({.bucket = misbehaved, .charge = true});
  EXPECT_FALSE(take({.bucket = alice(short_one)}).decision.admitted);
  const auto rest = take({.bucket = alice(long_one), .more = 1'000});
  EXPECT_TRUE(rest.decision.admitted);
  EXPECT_EQ(1 + rest.more, 30);
  EXPECT_FALSE(take({.bucket = alice(long_one)}).decision.admitted);
}

TEST_F(ARedisBucket, IsNotUnblockedByANodeWhosePenaltyIsAnotherOne) {
  BucketRequest strict = alice(long_one), lenient = alice(short_one);
  strict.penalty = {.base_microseconds = 1'000 * second, .cap_microseconds = 80'000 * second};
  lenient.penalty = {.base_microseconds = second, .cap_microseconds = second};
  const SharedRequest known{
      .bucket = strict,
      .remembers = true,
      .remembered = {.full_at = 36'000 * second, .blocked_until = 70'000 * second, .refused_at = -second, .level = 7}};
  const std::int64_t before = take(known).decision.retry_microseconds;
  ASSERT_GT(before, 60'000 * second);
  EXPECT_GT(take({.bucket = lenient}).decision.retry_microseconds, 60'000 * second);
  take({.bucket = alice(short_one), .charge = true});
  EXPECT_FALSE(take({.bucket = alice(short_one)}).decision.admitted) << "one without penalties";
  EXPECT_GT(take({.bucket = strict}).decision.retry_microseconds, 60'000 * second);
}

TEST_F(ARedisBucket, ThatWasLostIsKeptAsRememberedAlsoWhenTheAnswerIsARefusal) {
  const SharedRequest told{.bucket = alice(twenty_an_hour),
                           .remembers = true,
                           .remembered = {.full_at = twenty_an_hour.burst_microseconds()}};
  EXPECT_FALSE(take(told).decision.admitted);
  EXPECT_FALSE(take({.bucket = alice(twenty_an_hour)}).decision.admitted) << "by who does not remember";

  server.ask({"FLUSHALL"});
  BucketRequest punished = alice(twenty_an_hour);
  punished.penalty = {.base_microseconds = 600 * second, .cap_microseconds = 600 * second};
  const SharedRequest at_its_cap{.bucket = punished,
                                 .remembers = true,
                                 .remembered = {.blocked_until = 600 * second, .refused_at = -second, .level = 1}};
  EXPECT_FALSE(take(at_its_cap).decision.admitted);
  EXPECT_GT(take({.bucket = punished}).decision.retry_microseconds, 500 * second) << "by who does not remember";
}

TEST_F(ARedisBucket, ThatNoNodeCanHaveWrittenOwesNoMoreThanAnyMay) {
  constexpr std::int64_t day = 86'400 * second;
  for (const char* forged : {"99999999999999999999 1", "1 99999999999999999999 1 9 1", "9007199254740991 0"}) {
    server.ask({"SET", "tn:{user:alice}:p", forged});
    BucketRequest asked = alice(twenty_an_hour);
    asked.penalty = {.base_microseconds = second, .cap_microseconds = second};
    const auto decision = take({.bucket = asked}).decision;
    EXPECT_FALSE(decision.admitted) << forged;
    EXPECT_LE(decision.retry_microseconds, 3 * day) << forged;
    take({.bucket = asked, .charge = true});
    EXPECT_LE(take({.bucket = asked}).decision.retry_microseconds, 3 * day + second) << forged;
  }
}

TEST_F(ARedisBucket, IsFoundAgainAfterRedisForgotTheScript) {
  take({.bucket = alice(twenty_an_hour)});
  server.ask({"SCRIPT", "FLUSH"});
  EXPECT_EQ(take({.bucket = alice(twenty_an_hour)}).decision.remaining, 18);
  EXPECT_EQ(take({.bucket = alice(twenty_an_hour)}).decision.remaining, 17);
  EXPECT_THAT(told({"INFO", "commandstats"}), HasSubstr("cmdstat_eval:calls=2,")) << "the text went over only twice";
}

TEST_F(ARedisBucket, OfOneSubjectSharesASlotWithItsOthers) {
  const auto slot = [this](const std::string& policy, const std::string& subject) {
    return told({"CLUSTER", "KEYSLOT", safeguards::bucket_key(policy, subject)});
  };
  EXPECT_THAT(slot("reads", "user:alice"), HasSubstr("cluster support disabled"));
  EXPECT_EQ(safeguards::bucket_key("reads", "ip:10.0.0.7"), "tn:{ip:10.0.0.7}:reads");
  EXPECT_NE(safeguards::bucket_key("q", "user:x}:p"), safeguards::bucket_key("p", "user:x}:q"));
}

TEST_F(ARedisBucket, CountsTheNodesThatAreAlive) {
  const auto heartbeat = [this](const std::string& node) {
    return await_result(io, buckets.heartbeat(node, monotonic_now() + std::chrono::seconds(5)));
  };
  EXPECT_EQ(heartbeat("one"), 1);
  EXPECT_EQ(heartbeat("two"), 2);
  EXPECT_EQ(heartbeat("one"), 2);
  server.ask({"ZADD", "tn:nodes", "1000", "dead since long"});
  EXPECT_EQ(heartbeat("one"), 2);
  const std::int64_t left = server.ask({"PTTL", "tn:nodes"}).integer;
  EXPECT_GT(left, 0) << "the set of nodes goes by itself, too, when there are none";
  EXPECT_LE(left, 10 * 5'000);
}

TEST_F(ARedisBucket, ThatRedisCannotKeepIsAnErrorAndNoDecision) {
  server.ask({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_THROW(take({.bucket = alice(twenty_an_hour)}), SharedStoreError);
  server.ask({"CONFIG", "SET", "maxmemory", "0"});
  server.ask({"CONFIG", "SET", "min-replicas-to-write", "1"});
  EXPECT_THROW(take({.bucket = alice(twenty_an_hour)}), SharedStoreError);
  server.ask({"CONFIG", "SET", "min-replicas-to-write", "0"});
  EXPECT_TRUE(take({.bucket = alice(twenty_an_hour)}).decision.admitted);
}

// One node that owns all slots.
class InARedisCluster : public ARedisBucket {
 protected:
  InARedisCluster() : ARedisBucket({.cluster = true}) {
    server.ask({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"});
    const auto until = monotonic_now() + std::chrono::seconds(10);
    while (!told({"CLUSTER", "INFO"}).contains("cluster_state:ok") && monotonic_now() < until) continue;
  }
};

TEST_F(InARedisCluster, EachSubjectsBucketsAreAskedForByThemselvesInTheirOrder) {
  const BucketRequest address{.policy = "reads", .subject = "ip:10.0.0.7", .rate = two_an_hour};
  const BucketRequest user{.policy = "writes", .subject = "user:alice", .rate = twenty_an_hour};
  const BucketRequest also{.policy = "orders", .subject = "user:alice", .rate = twenty_an_hour};
  for (int i = 0; i < 2; ++i) {
    const auto decisions = take({{.bucket = address}, {.bucket = user}, {.bucket = also}});
    EXPECT_TRUE(decisions[2].decision.admitted);
  }
  const auto third = take({{.bucket = address}, {.bucket = user}, {.bucket = also}});
  EXPECT_FALSE(third[0].decision.admitted);
  EXPECT_FALSE(third[1].decision.decided);
  EXPECT_FALSE(third[2].decision.decided);
  EXPECT_EQ(take({.bucket = user}).decision.remaining, 17);
}

}  // namespace
}  // namespace tenon::test
