// Who pushes against a refusal waits longer; who waits as told never does.
#include <gtest/gtest.h>

#include "safeguards/rate_limit/bucket.hpp"
#include "unit/safeguards/schedule.hpp"

namespace tenon::safeguards {
namespace {

const Rate twenty_a_minute{.quota = 20, .window_microseconds = 60 * second};
const Penalty doubling{.base_microseconds = second, .cap_microseconds = 10 * second};
constexpr std::int64_t start = 1'000 * second;
constexpr std::int64_t grace = penalty_grace_microseconds;

// A bucket that was emptied at `start` and has just refused for the first time: the next token is three seconds away.
BucketState refused_once(const Rate& rate = twenty_a_minute, const Penalty& penalty = doubling) {
  BucketState state;
  for (std::int64_t taken = 0; taken < rate.quota; ++taken) EXPECT_TRUE(take(state, start, rate, penalty).admitted);
  const auto refused = take(state, start, rate, penalty);
  EXPECT_FALSE(refused.admitted);
  EXPECT_FALSE(refused.penalized);
  EXPECT_EQ(refused.retry_microseconds, rate.token_microseconds());
  return state;
}

TEST(APenalty, DoublesWithEveryRefusalWhileRefusedFromItsBaseToItsCap) {
  BucketState state = refused_once();
  const std::int64_t added[] = {1, 2, 4, 8, 10, 10, 10};  // seconds on top of the three
  std::int64_t now = start + grace;
  for (const std::int64_t seconds : added) {
    const auto refused = take(state, now, twenty_a_minute, doubling);
    EXPECT_FALSE(refused.admitted);
    EXPECT_TRUE(refused.penalized);
    EXPECT_EQ(now + refused.retry_microseconds, start + (3 + seconds) * second);
    EXPECT_EQ(refused.remaining, 0);
    ++now;
  }
}

TEST(APenalty, EndsWhenItSaidHoweverLongOnePushesOn) {
  BucketState state = refused_once();
  const std::int64_t end = start + 13 * second;
  for (std::int64_t now = start + grace; now < end; now += 1'000)
    ASSERT_FALSE(take(state, now, twenty_a_minute, doubling).admitted) << now - start;
  EXPECT_FALSE(take(state, end - 1, twenty_a_minute, doubling).admitted);
  EXPECT_TRUE(take(state, end, twenty_a_minute, doubling).admitted);
}

TEST(APenalty, IsNotForRequestsThatWereUnderWayTogether) {
  BucketState state = refused_once();
  for (int request = 0; request < 100; ++request) {
    const auto refused = take(state, start + request * (grace / 100), twenty_a_minute, doubling);
    EXPECT_FALSE(refused.admitted);
    EXPECT_FALSE(refused.penalized);
  }
  EXPECT_EQ(state.level, 0);
  EXPECT_TRUE(take(state, start + grace, twenty_a_minute, doubling).penalized);
}

// Empties what is there, and waits as told.
BucketDecision drain(BucketState& state, std::int64_t& now, const Rate& rate, const Penalty& penalty) {
  while (true) {
    const auto decision = take(state, now, rate, penalty);
    if (!decision.admitted) return decision;
  }
}

TEST(APenalty, LosesOneDoublingWithEachWaitSatOut) {
  BucketState state = refused_once();
  for (int push = 0; push < 4; ++push) (void)take(state, start + grace + push, twenty_a_minute, doubling);
  ASSERT_EQ(state.level, 4);
  std::int64_t now = state.blocked_until;
  for (const std::int64_t added : {4, 2, 1, 0, 0}) {
    const auto refused = drain(state, now, twenty_a_minute, doubling);
    EXPECT_EQ(refused.retry_microseconds - added * second, (state.full_at - now) - 19 * 3 * second) << added;
    EXPECT_EQ(refused.penalized, added > 0);
    now += refused.retry_microseconds;
  }
}

TEST(APenalty, LosesOneDoublingMoreWithEachWindowAfterIt) {
  for (const std::int64_t windows : {0, 1, 2, 3, 100}) {
    BucketState state = refused_once();
    for (int push = 0; push < 4; ++push) (void)take(state, start + grace + push, twenty_a_minute, doubling);
    std::int64_t now = state.blocked_until + windows * 60 * second;
    (void)drain(state, now, twenty_a_minute, doubling);
    EXPECT_EQ(state.level, std::max<std::int64_t>(0, 3 - windows)) << windows;
  }
}

TEST(APenalty, ThatIsOffAddsNothingAndBlocksNobody) {
  const Rate rate{.quota = 10, .window_microseconds = 10 * second};
  BucketState state;
  EXPECT_TRUE(take(state, start, rate, {}, 8).admitted);
  EXPECT_FALSE(take(state, start, rate, {}, 5).admitted);
  EXPECT_TRUE(take(state, start + second / 2, rate, {}, 2).admitted) << "less than was refused is there";
  for (int push = 0; push < 1'000; ++push)
    EXPECT_LE(take(state, start + second, rate, {}, 5).retry_microseconds, 5 * second);
}

TEST(APenalty, ThatIsNotValidAdmitsNothing) {
  for (const Penalty penalty :
       {Penalty{.base_microseconds = -1, .cap_microseconds = 1}, Penalty{.base_microseconds = 2, .cap_microseconds = 1},
        Penalty{.base_microseconds = 1, .cap_microseconds = 86'400 * second + 1},
        Penalty{.base_microseconds = most, .cap_microseconds = most}}) {
    BucketState state;
    EXPECT_FALSE(penalty.valid());
    EXPECT_FALSE(take(state, start, twenty_a_minute, penalty).admitted);
    EXPECT_EQ(state, BucketState{});
  }
}

TEST(TheDefaultPenalty, StartsWithOneTokensTimeAndEndsAtFiveWindowsOrAnHour) {
  const auto seconds = [](const Rate& rate) {
    const Penalty penalty = default_penalty(rate);
    EXPECT_TRUE(penalty.valid());
    return std::pair(static_cast<double>(penalty.base_microseconds) / 1e6,
                     static_cast<double>(penalty.cap_microseconds) / 1e6);
  };
  EXPECT_EQ(seconds(twenty_a_minute), std::pair(3.0, 300.0));
  EXPECT_EQ(seconds({.quota = 1'000, .window_microseconds = second}), std::pair(0.001, 5.0));
  EXPECT_EQ(seconds({.quota = 1'000, .window_microseconds = 86'400 * second}), std::pair(86.4, 3'600.0));
  EXPECT_EQ(seconds({.quota = 1, .window_microseconds = 86'400 * second}), std::pair(3'600.0, 3'600.0));
  EXPECT_EQ(seconds({}), std::pair(0.0, 0.0));
}

TEST(ACharge, TakesMoreThanThereIsDownToOneQuotaOwed) {
  BucketState state;
  charge(state, start, twenty_a_minute, 5);
  EXPECT_EQ(take(state, start, twenty_a_minute).remaining, 14);
  charge(state, start, twenty_a_minute, 24);  // ten more than there are
  EXPECT_EQ(take(state, start, twenty_a_minute).retry_microseconds, 11 * 3 * second);
  for (int again = 0; again < 100; ++again) charge(state, start, twenty_a_minute, most);
  EXPECT_EQ(state.full_at, start + 2 * 60 * second);
  EXPECT_EQ(take(state, start, twenty_a_minute).retry_microseconds, 21 * 3 * second);
  EXPECT_TRUE(take(state, start + 63 * second, twenty_a_minute).admitted);
}

TEST(ACharge, OfNothingOrUnderNoRateChangesNothing) {
  BucketState state{.full_at = start + second};
  const BucketState before = state;
  for (const std::int64_t cost : {least, std::int64_t{-1}, std::int64_t{0}})
    charge(state, start, twenty_a_minute, cost);
  charge(state, start, Rate{}, 1);
  EXPECT_EQ(state, before);
}

Penalty penalty_of(Schedule& schedule, const Rate& rate) {
  switch (schedule.between(0, 2)) {
    case 0:
      return {};
    case 1:
      return default_penalty(rate);
    default: {
      const std::int64_t base = schedule.between(1, 10 * second);
      return {.base_microseconds = base, .cap_microseconds = base * schedule.between(1, 1'000)};
    }
  }
}

// Two million requests in all: pushing, waiting, being charged more.
TEST(ABucketWithPenalties, AdmitsInNoWindowMoreThanItsQuotaAndWhatCameBack) {
  for (const std::uint64_t seed : seeds) {
    Schedule schedule(seed);
    std::int64_t tightest = least;
    std::int64_t penalized = 0;
    std::int64_t admitted = 0;
    for (int turn = 0; turn < schedules_per_seed; ++turn) {
      const Rate rate = schedule.rate();
      const Penalty penalty = penalty_of(schedule, rate);
      std::vector<Admission> admissions;
      BucketState state;
      std::int64_t now = schedule.between(0, second);
      for (int request = 0; request < requests_per_schedule; ++request) {
        now += schedule.step(rate);
        const std::int64_t cost = schedule.between(0, 3) == 0 ? schedule.between(1, rate.quota) : 1;
        const auto decision = take(state, now, rate, penalty, cost);
        if (decision.admitted) admissions.push_back({now, cost});
        penalized += decision.penalized ? 1 : 0;
        if (schedule.between(0, 50) == 0) charge(state, now, rate, schedule.between(1, 5));
        if (!decision.admitted && schedule.between(0, 20) == 0) now += decision.retry_microseconds;
      }
      ASSERT_LE(excess_of(admissions, rate), 0) << "seed " << seed << ", schedule " << turn;
      tightest = std::max(tightest, excess_of(admissions, rate));
      admitted += static_cast<std::int64_t>(admissions.size());
    }
    EXPECT_EQ(tightest, 0) << "the bound was never reached: seed " << seed;
    EXPECT_GT(penalized, 10'000);
    std::printf("seed %llu: %lld admitted, %lld penalized\n", static_cast<unsigned long long>(seed),
                static_cast<long long>(admitted), static_cast<long long>(penalized));
  }
}

// As told in microseconds, and as Retry-After has it: in whole seconds, rounded up.
TEST(ABucketWithPenalties, AdmitsWhoWaitsExactlyAsLongAsItWasToldAndNobodySooner) {
  for (const std::uint64_t seed : seeds) {
    Schedule schedule(seed);
    std::int64_t waits = 0;
    std::int64_t penalized = 0;
    for (int turn = 0; turn < schedules_per_seed; ++turn) {
      const Rate rate = schedule.rate();
      const Penalty penalty = penalty_of(schedule, rate);
      BucketState state;
      std::int64_t now = schedule.between(0, second);
      for (int request = 0; request < requests_per_schedule; ++request) {
        now += schedule.step(rate);
        const std::int64_t cost = schedule.between(0, 3) == 0 ? schedule.between(1, rate.quota) : 1;
        const auto decision = take(state, now, rate, penalty, cost);
        if (schedule.between(0, 50) == 0) {  // moves the bucket after it told
          charge(state, now, rate, schedule.between(1, 5));
          continue;
        }
        if (decision.admitted) continue;
        ++waits;
        penalized += decision.penalized ? 1 : 0;
        BucketState sooner = state;
        BucketState then = state;
        BucketState rounded = state;
        const std::int64_t whole = (decision.retry_microseconds + second - 1) / second * second;
        ASSERT_FALSE(take(sooner, now + decision.retry_microseconds - 1, rate, penalty, cost).admitted) << seed;
        ASSERT_TRUE(take(then, now + decision.retry_microseconds, rate, penalty, cost).admitted) << seed;
        ASSERT_TRUE(take(rounded, now + whole, rate, penalty, cost).admitted) << seed;
        if (schedule.between(0, 20) == 0) now += decision.retry_microseconds;
      }
    }
    EXPECT_GT(waits, 10'000);
    EXPECT_GT(penalized, 1'000);
  }
}

TEST(APoliteClient, IsNeverPenalizedAndGetsTheWholeRate) {
  for (const std::uint64_t seed : seeds) {
    Schedule schedule(seed);
    for (int turn = 0; turn < schedules_per_seed; ++turn) {
      const Rate rate = schedule.rate();
      const Penalty penalty = default_penalty(rate);
      BucketState state;
      const std::int64_t begin = schedule.between(0, second);
      std::int64_t now = begin;
      std::int64_t admitted = 0;
      for (int request = 0; request < 2'000; ++request) {
        const auto decision = take(state, now, rate, penalty);
        ASSERT_FALSE(decision.penalized) << "seed " << seed;
        admitted += decision.admitted ? 1 : 0;
        now += decision.retry_microseconds;
      }
      ASSERT_EQ(state.level, 0);
      // Always there when a token is: gets every one of them.
      ASSERT_GE(admitted, std::min<std::int64_t>(2'000, rate.quota + (now - begin) / rate.token_microseconds() - 1));
    }
  }
}

// Against the time that the clock was seen going forward, whatever it jumped to in between.
TEST(ABucketWithPenalties, KeepsItsBoundWhenTheClockJumpsBackAndForward) {
  for (const std::uint64_t seed : seeds) {
    Schedule schedule(seed);
    std::int64_t jumps = 0;
    for (int turn = 0; turn < schedules_per_seed; ++turn) {
      const Rate rate = schedule.rate();
      const Penalty penalty = penalty_of(schedule, rate);
      std::vector<Admission> admissions;
      BucketState state;
      std::int64_t shown = 1'000'000 * second;
      std::int64_t forward = 0;
      for (int request = 0; request < requests_per_schedule; ++request) {
        std::int64_t step = schedule.step(rate);
        if (schedule.between(0, 20) == 0) {
          const std::int64_t jump = schedule.between(-3, 3) * schedule.between(0, rate.burst_microseconds());
          step += shown + jump < 0 ? 0 : jump;
          ++jumps;
        }
        shown += step;
        forward += std::max<std::int64_t>(step, 0);
        if (take(state, shown, rate, penalty).admitted) admissions.push_back({forward, 1});
      }
      ASSERT_LE(excess_of(admissions, rate), 0) << "seed " << seed << ", schedule " << turn;
    }
    EXPECT_GT(jumps, 1'000);
  }
}

TEST(ABucketWithPenalties, HasCaughtUpWithAClockThatWentBackAfterTwoWindowsAndTheCap) {
  const std::int64_t year = 365 * 86'400 * second;
  BucketState state = refused_once();
  for (int push = 0; push < 10; ++push) (void)take(state, start + grace + push, twenty_a_minute, doubling);
  state.full_at += year;
  state.blocked_until += year;
  state.refused_at += year;
  const auto refused = take(state, start, twenty_a_minute, doubling);
  EXPECT_FALSE(refused.admitted);
  EXPECT_LE(refused.retry_microseconds, 130 * second);
  EXPECT_TRUE(take(state, start + refused.retry_microseconds, twenty_a_minute, doubling).admitted);
}

TEST(ABucketWithPenalties, MayBeForgottenWhenItSaysSoAndNobodyCanTell) {
  for (const std::uint64_t seed : seeds) {
    Schedule schedule(seed);
    for (int turn = 0; turn < schedules_per_seed; ++turn) {
      const Rate rate = schedule.rate();
      const Penalty penalty = penalty_of(schedule, rate);
      BucketState state;
      std::int64_t now = schedule.between(0, second);
      for (int request = 0; request < 200; ++request) {
        now += schedule.step(rate);
        (void)take(state, now, rate, penalty);
        if (schedule.between(0, 50) == 0) charge(state, now, rate, schedule.between(1, 5));
      }
      BucketState kept = state;
      BucketState forgotten;
      now = std::max(now, forgotten_at(state, rate));
      for (int request = 0; request < 1'000; ++request) {
        const auto decision = take(kept, now, rate, penalty);
        const auto as_new = take(forgotten, now, rate, penalty);
        ASSERT_EQ(decision.admitted, as_new.admitted) << "seed " << seed;
        ASSERT_EQ(decision.retry_microseconds, as_new.retry_microseconds) << "seed " << seed;
        ASSERT_EQ(decision.remaining, as_new.remaining) << "seed " << seed;
        now += schedule.step(rate);
      }
    }
  }
}

}  // namespace
}  // namespace tenon::safeguards
