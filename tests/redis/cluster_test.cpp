// Buckets in a Redis Cluster of three servers: found where they are, and where they have gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "redis/limit_node.hpp"
#include "redis/redis_cluster.hpp"
#include "redis/slots.hpp"
#include "safeguards/rate_limit/redis_buckets.hpp"
#include "support/await_result.hpp"

namespace tenon::test {
namespace {

using redis::ConnectionError;
using safeguards::BucketRequest;
using safeguards::Rate;
using safeguards::RedisBuckets;
using safeguards::SharedDecision;
using safeguards::SharedLimitsSettings;
using safeguards::SharedRequest;
using safeguards::SharedStoreError;
using std::chrono::milliseconds;

constexpr std::int64_t second = 1'000'000;
constexpr Rate twenty_an_hour{.quota = 20, .window_microseconds = 3'600 * second};

// A client of a cluster, and what it is told. Each test has subjects, and so slots, of its own.
class Asking {
 public:
  explicit Asking(const std::string& url, std::chrono::seconds patience = std::chrono::seconds(20))
      : patience_(patience),
        client_({&io_}, {.address = redis::parse_address(url).value(), .connect_deadline = milliseconds(10'000)}) {
    client_.start();
    const auto until = monotonic_now() + std::chrono::seconds(20);
    while (client_.connected() == 0 && monotonic_now() < until) io_.run_one_for(milliseconds(10));
  }
  ~Asking() {
    client_.stop();
    io_.restart();
    io_.run_for(std::chrono::seconds(20));
    EXPECT_TRUE(io_.stopped()) << "something of it still waits";
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  std::vector<SharedDecision> take(const std::vector<SharedRequest>& requests) {
    std::vector<SharedDecision> decisions(requests.size());
    await_result(io_, buckets_.take(requests, decisions, monotonic_now() + patience_));
    return decisions;
  }
  // How many the bucket still has, after one more was taken.
  std::int64_t take(const std::string& subject, const std::string& policy = "p") {
    return take(std::vector<SharedRequest>{{.bucket = bucket(subject, policy)}}).front().decision.remaining;
  }
  std::int64_t heartbeat() { return await_result(io_, buckets_.heartbeat("one", monotonic_now() + patience_)); }
  // Of texts that live as long as it.
  static BucketRequest bucket(std::string_view subject, std::string_view policy) {
    return {.policy = policy, .subject = subject, .rate = twenty_an_hour};
  }
  // Until it works, while the cluster is finding out about itself.
  std::int64_t take_when_possible(const std::string& subject) {
    const auto until = monotonic_now() + std::chrono::seconds(60);
    for (;;) {
      try {
        return take(subject);
      } catch (const std::runtime_error& error) {
        if (monotonic_now() > until) throw;
      }
      io_.restart();
      io_.run_for(milliseconds(20));
    }
  }
  bool becomes_whole() {
    const auto until = monotonic_now() + std::chrono::seconds(60);
    while (monotonic_now() < until) {
      try {
        heartbeat();
        return true;
      } catch (const std::runtime_error&) {
        io_.restart();
        io_.run_for(milliseconds(20));
      }
    }
    return false;
  }
  [[nodiscard]] std::size_t connected() const { return client_.connected(); }

 private:
  std::chrono::seconds patience_;
  boost::asio::io_context io_{1};
  redis::Client client_;
  RedisBuckets buckets_{client_};
};

RedisCluster& shared_redis_cluster() {
  static RedisCluster made;
  return made;
}

TEST(AClusterOfThree, IsAskedWhereEachBucketIsAndHasToSayItOnlyOnce) {
  RedisCluster& cluster = shared_redis_cluster();
  Asking asking(cluster.url());
  std::vector<std::string> subjects;
  for (int i = 0; i < 30; ++i) subjects.push_back("user:everywhere" + std::to_string(i));
  for (const auto& subject : subjects) EXPECT_EQ(asking.take(subject), 19) << subject;
  const std::int64_t moved = cluster.answered("MOVED");
  EXPECT_GT(moved, 0) << "all of them on one server: no test";
  for (const auto& subject : subjects) EXPECT_EQ(asking.take(subject), 18) << subject;
  EXPECT_EQ(cluster.answered("MOVED"), moved) << "what was said is known";
  EXPECT_EQ(asking.connected(), 3U) << "one that the address names, and two that keys led to";
}

TEST(AClusterOfThree, DecidesARequestOfSubjectsOnDifferentServersInOrder) {
  Asking asking(shared_redis_cluster().url());
  const std::string first = RedisCluster::subject_of(0, "ip:ordered");
  const std::string second_one = RedisCluster::subject_of(1, "user:ordered");
  BucketRequest address = Asking::bucket(first, "reads");
  address.rate.quota = 2;
  const BucketRequest user = Asking::bucket(second_one, "writes");
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(asking.take({{.bucket = address}, {.bucket = user}})[1].decision.admitted);
  const auto third = asking.take({{.bucket = address}, {.bucket = user}});
  EXPECT_FALSE(third[0].decision.admitted);
  EXPECT_FALSE(third[1].decision.decided);
  EXPECT_EQ(asking.take(second_one, "writes"), 17) << "the third request did not touch it";
}

TEST(AClusterOfThree, IsFollowedWhenASlotHasMoved) {
  RedisCluster& cluster = shared_redis_cluster();
  Asking asking(cluster.url());
  const std::string subject = RedisCluster::subject_of(1, "user:moves");
  const std::uint16_t slot = redis::slot_of(subject);
  EXPECT_EQ(asking.take(subject), 19);
  cluster.begin_move(slot, 1, 2);
  cluster.move_keys({safeguards::bucket_key("p", subject)}, 1, 2);
  cluster.end_move(slot, 2);
  const std::int64_t moved = cluster.answered("MOVED");
  EXPECT_EQ(asking.take(subject), 18) << "what was taken before it moved counts";
  EXPECT_EQ(asking.take(subject), 17);
  EXPECT_EQ(cluster.answered("MOVED"), moved + 1);
}

TEST(AClusterOfThree, IsFollowedWhileASlotMoves) {
  RedisCluster& cluster = shared_redis_cluster();
  Asking asking(cluster.url());
  const std::string subject = RedisCluster::subject_of(2, "user:moving");
  const std::uint16_t slot = redis::slot_of(subject);
  EXPECT_EQ(asking.take(subject), 19);
  cluster.begin_move(slot, 2, 0);
  EXPECT_EQ(asking.take(subject), 18) << "still here";
  cluster.move_keys({safeguards::bucket_key("p", subject)}, 2, 0);
  const std::int64_t asks = cluster.answered("ASK");
  EXPECT_EQ(asking.take(subject), 17) << "already there";
  EXPECT_EQ(asking.take(subject), 16);
  EXPECT_EQ(cluster.answered("ASK"), asks + 2) << "the slot is not the other's before it is settled";
  cluster.end_move(slot, 0);
  EXPECT_EQ(asking.take(subject), 15);
}

TEST(AClusterOfThree, DecidesBucketsOfASlotThatIsHalfMovedOneByOne) {
  RedisCluster& cluster = shared_redis_cluster();
  Asking asking(cluster.url());
  const std::string subject = RedisCluster::subject_of(0, "user:torn");
  const std::uint16_t slot = redis::slot_of(subject);
  const std::vector<SharedRequest> both{{.bucket = Asking::bucket(subject, "reads")},
                                        {.bucket = Asking::bucket(subject, "writes")}};
  asking.take({{.bucket = Asking::bucket("user:elsewhere", "p")}, {.bucket = Asking::bucket("user:else", "p")}});
  EXPECT_EQ(asking.take(both)[1].decision.remaining, 19);
  cluster.begin_move(slot, 0, 1);
  cluster.move_keys({safeguards::bucket_key("writes", subject)}, 0, 1);
  const auto decided = asking.take(both);
  EXPECT_EQ(decided[0].decision.remaining, 18);
  EXPECT_EQ(decided[1].decision.remaining, 18);
  EXPECT_GT(cluster.answered("TRYAGAIN"), 0) << "else it was no test";
  cluster.move_keys({safeguards::bucket_key("reads", subject)}, 0, 1);
  cluster.end_move(slot, 1);
  EXPECT_EQ(asking.take(both)[0].decision.remaining, 17);
}

TEST(AClusterOfThree, ThatSendsUsInACircleIsAnErrorAndNoDecision) {
  RedisCluster& cluster = shared_redis_cluster();
  Asking asking(cluster.url());
  const std::string subject = RedisCluster::subject_of(0, "user:circle");
  const std::string slot = std::to_string(redis::slot_of(subject));
  // Each believes of the other that it has the slot; neither claims it, so neither learns better.
  cluster.server(0).ask({"CLUSTER", "SETSLOT", slot, "NODE", cluster.id(1)});
  cluster.server(1).ask({"CLUSTER", "SETSLOT", slot, "NODE", cluster.id(0)});
  const std::int64_t moved = cluster.answered("MOVED");
  EXPECT_THROW(asking.take(subject), SharedStoreError);
  EXPECT_EQ(cluster.answered("MOVED"), moved + 2) << "followed once";
}

TEST(AClusterOfThree, IsFollowedToAReplicaThatWasPromoted) {
  RedisCluster cluster(1);
  cluster.server(3).ask({"CLUSTER", "REPLICATE", cluster.id(1)});
  Asking asking(cluster.url());
  const std::string subject = RedisCluster::subject_of(1, "user:survives");
  EXPECT_EQ(asking.take(subject), 19);
  const auto until = monotonic_now() + std::chrono::seconds(60);
  while (cluster.server(3).ask({"DBSIZE"}).integer == 0 && monotonic_now() < until) continue;  // until it has it, too
  cluster.server(1).kill_hard();
  EXPECT_THROW(asking.take(subject), ConnectionError);
  EXPECT_THROW(asking.heartbeat(), ConnectionError) << "one server of it is away";
  cluster.server(3).ask({"CLUSTER", "FAILOVER", "TAKEOVER"});
  EXPECT_EQ(asking.take_when_possible(subject), 18);
  EXPECT_TRUE(asking.becomes_whole()) << "the one that died is forgotten";
}

TEST(AClusterOfThree, ThatLosesAServerIsLostAsAWholeAndComesBack) {
  RedisCluster cluster;
  // Patient: what is slow here is not what is tested. A server that was killed is noticed at once.
  const SharedLimitsSettings settings{.budget = milliseconds(5'000), .probe_pause = milliseconds(20)};
  LimitNode one(cluster.url(), settings), two(cluster.url(), settings);
  ASSERT_TRUE(one.ready() && two.ready());
  std::vector<std::string> subjects;
  for (std::size_t i = 0; i < RedisCluster::masters; ++i) subjects.push_back(RedisCluster::subject_of(i, "user:lost"));
  const auto ask_all = [&subjects](LimitNode& node) {
    int admitted = 0;
    for (const auto& subject : subjects) admitted += node.ask(Asking::bucket(subject, "p")).admitted ? 1 : 0;
    return admitted;
  };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask_all(one) + ask_all(two), 6);
  EXPECT_EQ(ask_all(one) + ask_all(two), 0) << "twenty of each, by whichever node";
  ASSERT_EQ(one.store().counts().losses, 0U) << one.log();

  // Neither the one that counts the nodes, nor the one that the address names.
  RedisServer& lost = cluster.server(RedisCluster::owner_of("tn:nodes") == 1 ? 2 : 1);
  lost.kill_hard();
  ASSERT_TRUE(one.becomes(false)) << one.log();
  EXPECT_EQ(ask_all(one), 0) << "from the last known levels";
  lost.start();
  cluster.await_whole();
  ASSERT_TRUE(one.becomes(true, std::chrono::seconds(60))) << one.log();
  EXPECT_EQ(ask_all(one), 0) << "also where it has forgotten";
}

}  // namespace
}  // namespace tenon::test
