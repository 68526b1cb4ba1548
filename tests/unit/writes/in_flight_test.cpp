// Who runs a key on this node: one at a time, and whoever waited for it is told once, where it belongs.
#include "writes/in_flight.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

namespace tenon::writes {
namespace {

using Wait = InFlight::Wait;

constexpr Digest payload{1};

// Two that differ in `shard` are kept apart, two that differ in `number` alone lie side by side.
Uuid claim(std::uint8_t shard, std::uint8_t number = 0) {
  Uuid uuid;
  uuid.bytes[0] = shard;
  uuid.bytes[15] = number;
  return uuid;
}

std::shared_ptr<Waiter> waiter_on(boost::asio::io_context& context, std::function<void()> done = [] {}) {
  const auto waiter = std::make_shared<Waiter>();
  waiter->origin = &context;
  waiter->done = std::move(done);
  return waiter;
}

TEST(InFlight, LetsOneRunAClaimUntilItIsFinished) {
  InFlight in_flight(1);
  EXPECT_FALSE(in_flight.runs(claim(1)));
  EXPECT_TRUE(in_flight.begin(claim(1)));
  EXPECT_FALSE(in_flight.begin(claim(1)));
  EXPECT_TRUE(in_flight.runs(claim(1)));
  for (const Uuid& other : {claim(1, 1), claim(2), claim(17)}) {
    EXPECT_FALSE(in_flight.runs(other));
    EXPECT_TRUE(in_flight.begin(other));
  }
  in_flight.finish(claim(1), payload, Reply{});
  EXPECT_FALSE(in_flight.runs(claim(1)));
  EXPECT_TRUE(in_flight.runs(claim(1, 1)));
  EXPECT_TRUE(in_flight.begin(claim(1)));
}

TEST(InFlight, TakesAWaiterWhileTheClaimRunsAndThereIsRoom) {
  const struct {
    const char* what;
    bool runs;
    int wait_for_it;
    int wait_for_its_neighbour;
    bool finished;
    Wait expected;
  } rows[] = {
      {"nobody runs it", false, 0, 0, false, Wait::ended},      // it may begin itself
      {"nobody waits yet", true, 0, 0, false, Wait::waiting},   //
      {"one place is left", true, 2, 0, false, Wait::waiting},  //
      {"no place is left", true, 3, 0, false, Wait::full},      //
      {"a neighbour's are taken", true, 0, 3, false, Wait::waiting},
      {"it has finished", true, 0, 0, true, Wait::ended},
      {"it has finished, and all places were taken", true, 3, 0, true, Wait::ended},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    boost::asio::io_context context;
    InFlight in_flight(3);
    if (row.runs) {
      ASSERT_TRUE(in_flight.begin(claim(1)));
    }
    ASSERT_TRUE(in_flight.begin(claim(1, 1)));
    for (int i = 0; i < row.wait_for_it; ++i) ASSERT_EQ(in_flight.wait(claim(1), waiter_on(context)), Wait::waiting);
    for (int i = 0; i < row.wait_for_its_neighbour; ++i)
      ASSERT_EQ(in_flight.wait(claim(1, 1), waiter_on(context)), Wait::waiting);
    if (row.finished) in_flight.finish(claim(1), payload, Reply{});
    EXPECT_EQ(in_flight.wait(claim(1), waiter_on(context)), row.expected);
  }
}

TEST(InFlight, TellsNobodyWhoHasLeft) {
  boost::asio::io_context context;
  InFlight in_flight(1);
  ASSERT_TRUE(in_flight.begin(claim(1)));
  int told = 0;
  const auto impatient = waiter_on(context, [&] { ++told; });
  ASSERT_EQ(in_flight.wait(claim(1), impatient), Wait::waiting);
  EXPECT_TRUE(in_flight.leave(claim(1), impatient));
  EXPECT_FALSE(in_flight.leave(claim(1), impatient)) << "it has left";
  const auto patient = waiter_on(context, [&] { told += 10; });
  ASSERT_EQ(in_flight.wait(claim(1), patient), Wait::waiting) << "its place is free";
  in_flight.finish(claim(1), payload, problem(ProblemCode::database_unavailable));
  EXPECT_FALSE(in_flight.leave(claim(1), patient)) << "it is being told";
  context.run();
  EXPECT_EQ(told, 10);
}

TEST(InFlight, TellsEachWaiterOnceAndOnItsOwnThread) {
  const struct {
    const char* what;
    Result<Reply> outcome;
  } rows[] = {
      {"an answer", Reply{.status = 201, .body = "{}", .version = 7}},
      {"a refusal", problem(ProblemCode::database_unavailable)},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    boost::asio::io_context here;
    boost::asio::io_context there;
    InFlight in_flight(8);
    ASSERT_TRUE(in_flight.begin(claim(1)));
    int told[3] = {};
    const std::shared_ptr<Waiter> waiters[3] = {
        waiter_on(here, [&] { ++told[0]; }), waiter_on(here, [&] { ++told[1]; }), waiter_on(there, [&] { ++told[2]; })};
    for (const auto& waiter : waiters) ASSERT_EQ(in_flight.wait(claim(1), waiter), Wait::waiting);
    EXPECT_EQ(here.poll() + there.poll(), 0U);
    in_flight.finish(claim(1), payload, row.outcome);
    in_flight.finish(claim(1), Digest{2}, Reply{.status = 500});  // as of one who finishes what is not its own any more
    EXPECT_THAT(told, testing::Each(0)) << "finish() itself calls nobody";
    here.restart();
    there.restart();
    EXPECT_EQ(here.poll(), 2U);
    EXPECT_THAT(told, testing::ElementsAre(1, 1, 0));
    EXPECT_EQ(there.poll(), 1U);
    EXPECT_THAT(told, testing::ElementsAre(1, 1, 1));
    for (const auto& waiter : waiters) {
      ASSERT_TRUE(waiter->first);
      EXPECT_EQ(waiter->first->fingerprint, payload);
      ASSERT_EQ(waiter->first->outcome.has_value(), row.outcome.has_value());
      if (row.outcome) {
        EXPECT_EQ(waiter->first->outcome->status, 201);
        EXPECT_EQ(waiter->first->outcome->version, 7);
      } else {
        EXPECT_EQ(waiter->first->outcome.error().code, ProblemCode::database_unavailable);
      }
    }
  }
}

TEST(InFlight, LeavesNobodyWaitingHoweverThreadsFall) {
  constexpr int threads = 4;
  constexpr int rounds = 2'000;
  InFlight in_flight(threads);
  boost::asio::io_context context;
  std::latch together(threads);
  std::atomic<int> running{0};
  std::atomic<int> ran{0};
  std::atomic<int> latched{0};
  std::atomic<int> told{0};
  std::atomic<bool> beside{false};
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < threads; ++i) {
      all.emplace_back([&] {
        together.arrive_and_wait();
        for (int round = 0; round < rounds; ++round) {
          if (in_flight.begin(claim(1))) {
            if (running.fetch_add(1) != 0) beside = true;
            ran += 1;
            std::this_thread::yield();  // so that others come while it runs
            running -= 1;
            in_flight.finish(claim(1), payload, Reply{});
          } else if (in_flight.wait(claim(1), waiter_on(context, [&] { ++told; })) == Wait::waiting) {
            latched += 1;
          }
        }
      });
    }
  }
  context.run();
  EXPECT_FALSE(beside);
  EXPECT_GT(ran, 0);
  EXPECT_EQ(told, latched);
  EXPECT_FALSE(in_flight.runs(claim(1)));
}

}  // namespace
}  // namespace tenon::writes
