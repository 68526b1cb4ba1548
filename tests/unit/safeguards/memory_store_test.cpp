#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <fstream>
#include <latch>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "safeguards/rate_limit/store.hpp"

namespace tenon::safeguards {
namespace {

constexpr std::int64_t second = 1'000'000;

// The store takes a plain function for its clock; tests set what it says.
std::atomic<std::int64_t> time_told = 0;
std::int64_t told() { return time_told.load(std::memory_order_relaxed); }

BucketDecision ask(BucketStore& store, const BucketRequest& request) {
  BucketDecision decision;
  EXPECT_TRUE(store.take_now({&request, 1}, {&decision, 1}));
  return decision;
}

class AMemoryStore : public testing::Test {
 protected:
  void SetUp() override { time_told = 1'000 * second; }

  static BucketDecision take(BucketStore& store, std::string_view policy, std::string_view subject, const Rate& rate,
                             std::int64_t cost = 1) {
    return ask(store, {.policy = policy, .subject = subject, .rate = rate, .cost = cost});
  }
  static std::int64_t admitted_of(BucketStore& store, std::string_view subject, const Rate& rate, int requests) {
    std::int64_t admitted = 0;
    for (int request = 0; request < requests; ++request) admitted += take(store, "p", subject, rate).admitted ? 1 : 0;
    return admitted;
  }
  static void pass(std::int64_t microseconds) { time_told += microseconds; }
};

const Rate twenty_a_minute{.quota = 20, .window_microseconds = 60 * second};

TEST_F(AMemoryStore, KeepsOneBucketPerPolicyAndSubject) {
  MemoryBucketStore store(100'000, told);
  EXPECT_EQ(admitted_of(store, "alice", twenty_a_minute, 30), 20);
  EXPECT_EQ(admitted_of(store, "bob", twenty_a_minute, 30), 20);
  EXPECT_TRUE(take(store, "q", "alice", twenty_a_minute).admitted);
  EXPECT_TRUE(take(store, "pa", "lice", twenty_a_minute).admitted);
  EXPECT_TRUE(take(store, "", "palice", twenty_a_minute).admitted);
  EXPECT_FALSE(take(store, "p", "alice", twenty_a_minute).admitted);
  EXPECT_EQ(take(store, "p", "alice", twenty_a_minute).retry_microseconds, 3 * second);
  EXPECT_TRUE(store.trouble().empty());
}

TEST_F(AMemoryStore, TellsApartSubjectsLongerThanItsBuffer) {
  MemoryBucketStore store(1'000, told);
  const std::string longer(5'000, 's');
  EXPECT_EQ(admitted_of(store, longer, twenty_a_minute, 30), 20);
  EXPECT_EQ(admitted_of(store, longer + "s", twenty_a_minute, 30), 20);
  EXPECT_EQ(admitted_of(store, "", twenty_a_minute, 30), 20);
}

boost::asio::awaitable<void> ask_21_times(MemoryBucketStore& store, std::vector<BucketDecision>& answers) {
  for (int turn = 0; turn < 21; ++turn) {
    const BucketRequest request{.policy = "p", .subject = "alice", .rate = twenty_a_minute};
    answers.emplace_back();
    co_await store.take({&request, 1}, {&answers.back(), 1});
  }
}

TEST_F(AMemoryStore, AnswersACoroutineAsItAnswersAtOnce) {
  MemoryBucketStore store(1'000, told);
  boost::asio::io_context context;
  std::vector<BucketDecision> decisions;
  boost::asio::co_spawn(context, ask_21_times(store, decisions), boost::asio::detached);
  context.run();
  ASSERT_EQ(decisions.size(), 21U);
  EXPECT_TRUE(decisions[19].admitted);
  EXPECT_FALSE(decisions[20].admitted);
}

TEST_F(AMemoryStore, AdmitsNothingUnderARateThatIsNotValid) {
  MemoryBucketStore store(8, told);
  EXPECT_FALSE(take(store, "p", "alice", Rate{}).admitted);
  EXPECT_FALSE(take(store, "p", "alice", {.quota = 0, .window_microseconds = second}).admitted);
  EXPECT_TRUE(take(store, "p", "alice", twenty_a_minute).admitted);

  // Nor where there is room, while the shared bucket still owes something.
  for (int subject = 0; subject < 7; ++subject) (void)take(store, "p", std::to_string(subject), twenty_a_minute);
  EXPECT_TRUE(take(store, "p", "x", twenty_a_minute, 20).admitted);
  pass(10 * second);
  EXPECT_FALSE(take(store, "p", "y", Rate{}).admitted);
}

// One set only (8 subjects): whatever happens, happens to it.
TEST_F(AMemoryStore, NeverRefillsAHotBucketUnderAFlood) {
  for (const std::size_t subjects_max : {std::size_t{1}, std::size_t{8}, std::size_t{64}, std::size_t{4'096}}) {
    MemoryBucketStore store(subjects_max, told);
    EXPECT_EQ(admitted_of(store, "alice", twenty_a_minute, 25), 20);
    for (int flooder = 0; flooder < 50'000; ++flooder) {
      (void)take(store, "p", "flooder " + std::to_string(flooder), twenty_a_minute);
      if (flooder % 100 != 0) continue;
      ASSERT_FALSE(take(store, "p", "alice", twenty_a_minute).admitted) << flooder;
    }
    pass(3 * second);
    EXPECT_EQ(admitted_of(store, "alice", twenty_a_minute, 25), 1);
  }
}

TEST_F(AMemoryStore, GivesUpTheBucketThatHasRefilled) {
  MemoryBucketStore store(8, told);
  const Rate slow{.quota = 2, .window_microseconds = 600 * second};
  const Rate fast{.quota = 2, .window_microseconds = second};
  for (int subject = 0; subject < 7; ++subject) {
    EXPECT_TRUE(take(store, "slow", std::to_string(subject), slow, 2).admitted);
  }
  EXPECT_TRUE(take(store, "fast", "x", fast, 2).admitted);
  pass(second);  // the fast one is full again
  EXPECT_EQ(take(store, "p", "newcomer", twenty_a_minute).remaining, 19);
  EXPECT_EQ(take(store, "p", "newcomer", twenty_a_minute).remaining, 18);  // it has a bucket of its own
  for (int subject = 0; subject < 7; ++subject) {
    EXPECT_FALSE(take(store, "slow", std::to_string(subject), slow).admitted) << subject;
  }
}

TEST_F(AMemoryStore, LetsNewcomersShareOneBucketWhenNoneHasRefilled) {
  MemoryBucketStore store(8, told);
  for (int subject = 0; subject < 8; ++subject) (void)take(store, "p", std::to_string(subject), twenty_a_minute);
  std::int64_t admitted = 0;
  for (int newcomer = 0; newcomer < 1'000; ++newcomer) {
    admitted += take(store, "p", "newcomer " + std::to_string(newcomer), twenty_a_minute).admitted ? 1 : 0;
  }
  EXPECT_EQ(admitted, 20);
  for (int subject = 0; subject < 8; ++subject) {
    EXPECT_EQ(take(store, "p", std::to_string(subject), twenty_a_minute).remaining, 18);  // theirs are untouched
  }
}

// Or everyone had his quota twice: once from the shared bucket, once from his own.
TEST_F(AMemoryStore, ChargesWhoFindsRoomWithWhatTheSharedBucketOwes) {
  MemoryBucketStore store(8, told);
  for (int subject = 0; subject < 8; ++subject) (void)take(store, "p", std::to_string(subject), twenty_a_minute);
  EXPECT_EQ(admitted_of(store, "newcomer", twenty_a_minute, 25), 20);
  pass(3 * second);  // the eight are full again; the newcomer has one token back
  EXPECT_EQ(admitted_of(store, "newcomer", twenty_a_minute, 25), 1);
  pass(3 * second);
  EXPECT_EQ(admitted_of(store, "newcomer", twenty_a_minute, 25), 1);
}

TEST_F(AMemoryStore, DoesNotChargeANewcomerMoreThanHisOwnBurst) {
  MemoryBucketStore store(8, told);
  const Rate daily{.quota = 1, .window_microseconds = 86'400 * second};
  const Rate brief{.quota = 10, .window_microseconds = second};
  for (int subject = 0; subject < 8; ++subject) (void)take(store, "p", std::to_string(subject), twenty_a_minute);
  EXPECT_TRUE(take(store, "daily", "x", daily).admitted);  // the shared bucket owes a day
  pass(3 * second);
  EXPECT_FALSE(take(store, "brief", "newcomer", brief).admitted);  // room, and an empty bucket
  pass(second / 10);
  EXPECT_TRUE(take(store, "brief", "newcomer", brief).admitted);
}

// The promise itself, for every subject at once: in a store far too small, under several policies, nobody is ever
// admitted more than a bucket of his own would have allowed in any window.
TEST_F(AMemoryStore, IsNeverLooserThanABucketPerSubject) {
  const Rate rates[] = {
      {.quota = 3, .window_microseconds = second}, twenty_a_minute, {.quota = 5, .window_microseconds = 10 * second}};
  for (const std::uint64_t seed : {1U, 2U, 3U, 20'251'202U}) {
    std::mt19937_64 random(seed);
    MemoryBucketStore store(64, told);
    std::map<std::pair<std::size_t, int>, BucketState> own;  // each subject's true bucket, moved by admissions only
    std::int64_t admitted = 0;
    for (int request = 0; request < 300'000; ++request) {
      if (random() % 4 == 0) pass(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(second / 20)));
      if (random() % 50'000 == 0) pass(70 * second);
      const std::size_t policy = random() % std::size(rates);
      const int subject = static_cast<int>(random() % (random() % 2 == 0 ? 10 : 300));
      const std::int64_t cost = random() % 8 == 0 ? 2 : 1;
      const auto decision = take(store, std::to_string(policy), std::to_string(subject), rates[policy], cost);
      if (!decision.admitted) continue;
      ++admitted;
      ASSERT_TRUE(safeguards::take(own[{policy, subject}], told(), rates[policy], {}, cost).admitted)
          << "seed " << seed << ", request " << request;
    }
    EXPECT_GT(admitted, 10'000);
    std::printf("seed %llu: %lld admitted\n", static_cast<unsigned long long>(seed), static_cast<long long>(admitted));
  }
}

std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  statm >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST_F(AMemoryStore, DoesNotGrowWithTenMillionSubjects) {
  MemoryBucketStore store(100'000, told);
  (void)take(store, "p", "first", twenty_a_minute);
  const std::int64_t before = resident_bytes();
  ASSERT_GT(before, 0);
  std::string subject;
  for (int number = 0; number < 10'000'000; ++number) {
    subject = "subject ";
    subject += std::to_string(number);
    (void)ask(store, {.policy = "p", .subject = subject, .rate = twenty_a_minute});
    if (number % 1'000 == 0) pass(second / 100);
  }
  // Ten million of anything would be 160 MB. What ThreadSanitizer keeps beside the store is let pass: 20 MB, all of it
  // there after the first 250,000.
  EXPECT_LT(resident_bytes() - before, 64'000'000);
}

// A store of its quoted size, used by a tenth of it, has a bucket for nearly everyone: the sets fill evenly.
TEST_F(AMemoryStore, SpreadsSubjectsEvenlyOverItsSets) {
  MemoryBucketStore store(80'000, told);
  int shared = 0;
  for (int subject = 0; subject < 8'000; ++subject) (void)take(store, "p", std::to_string(subject), twenty_a_minute);
  for (int subject = 0; subject < 8'000; ++subject) {
    shared += take(store, "p", std::to_string(subject), twenty_a_minute).remaining == 18 ? 0 : 1;
  }
  EXPECT_LT(shared, 8);
}

TEST_F(AMemoryStore, TakesAShadowsRefusalForNoEndAndAnEnforcedOneForOne) {
  MemoryBucketStore store(1'000, told);
  const Rate one{.quota = 1, .window_microseconds = second};
  std::array<BucketRequest, 3> requests{
      {{.policy = "address", .subject = "a", .rate = one, .shadow = true},
       {.policy = "user", .subject = "u", .rate = one},
       {.policy = "last", .subject = "l", .rate = {.quota = 9, .window_microseconds = second}}}};
  std::array<BucketDecision, 3> decisions;
  ASSERT_TRUE(store.take_now(requests, decisions));
  EXPECT_EQ(refusal_in(requests, decisions), nullptr);
  EXPECT_EQ(decisions[2].remaining, 8);
  ASSERT_TRUE(store.take_now(requests, decisions));
  EXPECT_TRUE(decisions[0].decided && !decisions[0].admitted);
  EXPECT_EQ(refusal_in(requests, decisions), &decisions[1]);
  EXPECT_FALSE(decisions[2].decided);
  EXPECT_EQ(ask(store, requests[2]).remaining, 7) << "was not touched by the refused one";
}

TEST_F(AMemoryStore, KeepsAPenaltyUnderAFlood) {
  for (const std::size_t subjects_max : {std::size_t{8}, std::size_t{4'096}}) {
    MemoryBucketStore store(subjects_max, told);
    const BucketRequest pushing{.policy = "p",
                                .subject = "mallory",
                                .rate = {.quota = 1, .window_microseconds = second},
                                .penalty = {.base_microseconds = second, .cap_microseconds = 100 * second}};
    std::int64_t wait = 0;
    for (int push = 0; push < 10; ++push, pass(penalty_grace_microseconds))
      wait = ask(store, pushing).retry_microseconds;
    EXPECT_GT(wait, 90 * second);
    pass(10 * second);  // its tokens are long back
    for (int flooder = 0; flooder < 20'000; ++flooder)
      (void)take(store, "p", "flooder " + std::to_string(flooder), twenty_a_minute);
    EXPECT_FALSE(ask(store, pushing).admitted);
    pass(wait - penalty_grace_microseconds - 10 * second);  // sat out
    for (int flooder = 0; flooder < 20'000; ++flooder)
      (void)take(store, "p", "flooder " + std::to_string(flooder), twenty_a_minute);
    (void)ask(store, pushing);
    EXPECT_GT(ask(store, pushing).retry_microseconds, 10 * second) << "and what it has earned is not forgotten with it";
  }
}

TEST_F(AMemoryStore, ChargesBadBehaviourOnTop) {
  for (const int others : {0, 8}) {  // with a bucket of its own, and with a shared one
    MemoryBucketStore store(8, told);
    for (int subject = 0; subject < others; ++subject) (void)take(store, "p", std::to_string(subject), twenty_a_minute);
    store.charge({.policy = "p", .subject = "mallory", .rate = twenty_a_minute, .cost = 5});
    EXPECT_EQ(take(store, "p", "mallory", twenty_a_minute).remaining, 14);
    store.charge({.policy = "p", .subject = "mallory", .rate = twenty_a_minute, .cost = 15});
    EXPECT_EQ(take(store, "p", "mallory", twenty_a_minute).retry_microseconds, 2 * 3 * second);
    store.charge({.policy = "p", .subject = "mallory", .rate = Rate{}});
  }
}

TEST_F(AMemoryStore, LearnsWhatIsKnownElsewhereAndNeverLess) {
  MemoryBucketStore store(8, told);
  EXPECT_EQ(store.state_of("p", "alice"), std::nullopt);
  const BucketState told_of{
      .full_at = told() + 30 * second, .blocked_until = told() + second, .refused_at = 7, .level = 3};
  store.learn("p", "alice", twenty_a_minute, told_of);
  EXPECT_EQ(store.state_of("p", "alice"), told_of);
  store.learn("p", "alice", twenty_a_minute, {.full_at = told(), .level = 5});
  EXPECT_EQ(store.state_of("p", "alice")->full_at, told_of.full_at);
  EXPECT_EQ(store.state_of("p", "alice")->level, 5);
  EXPECT_EQ(take(store, "p", "alice", twenty_a_minute).remaining, 9);
  for (int subject = 0; subject < 10; ++subject) (void)take(store, "p", std::to_string(subject), twenty_a_minute);
  store.learn("p", "late", twenty_a_minute, told_of);
  EXPECT_EQ(store.state_of("p", "late"), std::nullopt) << "there is no room";
}

// Nobody's turn depends on who else comes: two who ask alike are answered alike, whatever a third one does.
TEST_F(AMemoryStore, IsFairToSubjectsThatAskAlike) {
  MemoryBucketStore store(10'000, told);
  std::mt19937_64 random(20'251'202);
  const Penalty penalty = default_penalty(twenty_a_minute);
  for (int request = 0; request < 200'000; ++request) {
    pass(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(5 * second)));
    const auto of = [&](std::string_view subject) {
      return ask(store, {.policy = "p", .subject = subject, .rate = twenty_a_minute, .penalty = penalty});
    };
    const auto ann = of("ann");
    for (std::uint64_t push = random() % 3; push > 0; --push) (void)of("mallory");
    const auto bob = of("bob");
    ASSERT_EQ(ann.admitted, bob.admitted);
    ASSERT_EQ(ann.retry_microseconds, bob.retry_microseconds);
  }
}

constexpr int thread_count = 4;

// Runs `work` in several threads at once: each waits for the others before it begins.
template <class Work>
void in_threads(const Work& work) {
  std::latch together(thread_count);
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < thread_count; ++thread) {
    threads.emplace_back([&together, &work, thread] {
      together.arrive_and_wait();
      work(thread);
    });
  }
}

// A clock that notices who reads it beside somebody else, and lets others run meanwhile.
std::atomic<int> reading = 0;
std::atomic<int> met = 0;
std::int64_t told_alone() {
  if (reading.fetch_add(1) != 0) ++met;
  std::this_thread::yield();
  --reading;
  return told();
}

TEST_F(AMemoryStore, LetsOneThreadAtATimeIntoASet) {
  constexpr int requests = 1'000;
  const Rate rate{.quota = thread_count * requests / 2, .window_microseconds = 86'400 * second};
  MemoryBucketStore store(8, told_alone);
  std::atomic<std::int64_t> admitted = 0;
  met = 0;
  in_threads([&](int) {
    for (int request = 0; request < requests; ++request) {
      const auto decision = ask(store, {.policy = "p", .subject = "alice", .rate = rate});
      admitted += decision.admitted ? 1 : 0;
    }
  });
  EXPECT_EQ(met, 0);
  EXPECT_EQ(admitted, rate.quota);
}

TEST_F(AMemoryStore, AdmitsExactlyTheQuotaToManyThreads) {
  constexpr int requests = 150'000;  // of each thread: long enough that they meet
  const Rate rate{.quota = thread_count * requests / 2, .window_microseconds = 86'400 * second};
  for (const std::size_t subjects_max : {std::size_t{8}, std::size_t{10'000}}) {
    MemoryBucketStore store(subjects_max, told);
    std::atomic<std::int64_t> admitted = 0;
    in_threads([&](int) {
      std::int64_t mine = 0;
      for (int request = 0; request < requests; ++request) {
        const auto decision = ask(store, {.policy = "p", .subject = "alice", .rate = rate});
        mine += decision.admitted ? 1 : 0;
      }
      admitted += mine;
    });
    EXPECT_EQ(admitted, rate.quota);
  }
}

TEST_F(AMemoryStore, KeepsItsPromiseWhileThreadsFloodOneSet) {
  constexpr int requests = 50'000;
  const Rate rate{.quota = thread_count * requests / 2, .window_microseconds = 86'400 * second};
  MemoryBucketStore store(8, told);
  std::atomic<std::int64_t> admitted = 0;
  (void)take(store, "p", "alice", rate);  // hers is one of the eight
  in_threads([&](int thread) {
    std::int64_t hers = 0;
    for (int request = 0; request < requests; ++request) {
      const std::string flooder = std::to_string(thread) + "/" + std::to_string(request);
      (void)ask(store, {.policy = "p", .subject = flooder, .rate = rate});
      const auto decision = ask(store, {.policy = "p", .subject = "alice", .rate = rate});
      hers += decision.admitted ? 1 : 0;
    }
    admitted += hers;
  });
  EXPECT_EQ(admitted, rate.quota - 1);
}

}  // namespace
}  // namespace tenon::safeguards
