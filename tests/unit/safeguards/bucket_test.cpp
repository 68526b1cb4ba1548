#include "safeguards/rate_limit/bucket.hpp"

#include <gtest/gtest.h>

#include "unit/safeguards/schedule.hpp"

namespace tenon::safeguards {
namespace {

// Without penalties: the bucket alone.
BucketDecision take(std::int64_t& full_at, std::int64_t now, const Rate& rate, std::int64_t cost = 1) {
  BucketState state{.full_at = full_at};
  const BucketDecision decision = safeguards::take(state, now, rate, {}, cost);
  full_at = state.full_at;
  return decision;
}

TEST(ABucket, AdmitsItsQuotaAtOnceAndThenOneTokenAtATime) {
  const Rate rate{.quota = 20, .window_microseconds = 60 * second};
  std::int64_t full_at = 0;
  const std::int64_t start = 1'000 * second;
  for (std::int64_t taken = 1; taken <= 20; ++taken) {
    const auto decision = take(full_at, start, rate);
    EXPECT_TRUE(decision.admitted);
    EXPECT_EQ(decision.remaining, 20 - taken);
    EXPECT_EQ(decision.retry_microseconds, 0);
    EXPECT_EQ(decision.refill_microseconds, 3 * second);
  }
  const auto refused = take(full_at, start, rate);
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.remaining, 0);
  EXPECT_EQ(refused.retry_microseconds, 3 * second);
  EXPECT_EQ(refused.refill_microseconds, 3 * second);

  EXPECT_FALSE(take(full_at, start + 3 * second - 1, rate).admitted);
  EXPECT_TRUE(take(full_at, start + 3 * second, rate).admitted);
  EXPECT_FALSE(take(full_at, start + 3 * second, rate).admitted);
  EXPECT_EQ(take(full_at, start + 100 * second, rate).remaining, 19);  // full again, not fuller
}

TEST(ABucket, ChangesNothingWhenItRefuses) {
  const Rate rate{.quota = 5, .window_microseconds = second};
  std::int64_t full_at = 0;
  for (int taken = 0; taken < 5; ++taken) (void)take(full_at, second, rate);
  const std::int64_t before = full_at;
  for (int turn = 0; turn < 1'000; ++turn) EXPECT_FALSE(take(full_at, second, rate).admitted);
  EXPECT_EQ(full_at, before);
}

TEST(ABucket, TakesSeveralTokensOrNone) {
  const Rate rate{.quota = 10, .window_microseconds = 10 * second};
  std::int64_t full_at = 0;
  EXPECT_EQ(take(full_at, 0, rate, 7).remaining, 3);
  const auto refused = take(full_at, 0, rate, 5);
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.remaining, 3);
  EXPECT_EQ(refused.retry_microseconds, 2 * second);
  EXPECT_EQ(refused.refill_microseconds, second);
  EXPECT_TRUE(take(full_at, 0, rate, 3).admitted);
  EXPECT_TRUE(take(full_at, 10 * second, rate, 10).admitted);
}

TEST(ABucket, RefusesForEverWhatItNeverHolds) {
  const Rate rate{.quota = 10, .window_microseconds = 10 * second};
  for (const std::int64_t cost : {std::int64_t{11}, std::int64_t{1} << 40, most}) {
    std::int64_t full_at = 0;
    const auto decision = take(full_at, second, rate, cost);
    EXPECT_FALSE(decision.admitted);
    EXPECT_EQ(decision.retry_microseconds, most);
    EXPECT_EQ(decision.remaining, 10);
    EXPECT_EQ(full_at, 0);
  }
}

// A negative cost would be a gift.
TEST(ABucket, GivesNothingForACostBelowOne) {
  const Rate rate{.quota = 10, .window_microseconds = 10 * second};
  for (const std::int64_t cost : {std::int64_t{0}, std::int64_t{-1}, least}) {
    std::int64_t full_at = 0;
    (void)take(full_at, second, rate, 4);
    const std::int64_t before = full_at;
    EXPECT_EQ(take(full_at, second, rate, cost).remaining, 6);
    EXPECT_EQ(full_at, before);
  }
}

TEST(ARate, RoundsATokenUpSoThatNoneComesBackEarly) {
  const Rate rate{.quota = 3, .window_microseconds = 1'000};
  EXPECT_EQ(rate.token_microseconds(), 334);
  EXPECT_EQ(rate.burst_microseconds(), 1'002);
}

TEST(ARate, ThatIsNotValidAdmitsNothing) {
  for (const Rate rate :
       {Rate{}, Rate{.quota = 0, .window_microseconds = second}, Rate{.quota = -1, .window_microseconds = second},
        Rate{.quota = 1, .window_microseconds = 0}, Rate{.quota = 1, .window_microseconds = -1},
        Rate{.quota = 1'000'000'001, .window_microseconds = 86'400 * second},
        Rate{.quota = second + 1, .window_microseconds = second}, Rate{.quota = 1, .window_microseconds = 999},
        Rate{.quota = 1, .window_microseconds = 1'000 * 86'400 * second + 1},
        Rate{.quota = most, .window_microseconds = most}, Rate{.quota = least, .window_microseconds = least}}) {
    std::int64_t full_at = 0;
    EXPECT_FALSE(rate.valid());
    EXPECT_FALSE(take(full_at, second, rate).admitted);
    EXPECT_EQ(full_at, 0);
  }
}

TEST(ABucket, StandsExtremeTimes) {
  const Rate rates[] = {{.quota = 1, .window_microseconds = 1'000},
                        {.quota = 1, .window_microseconds = 1'000 * 86'400 * second},
                        {.quota = 1'000, .window_microseconds = 1'000},
                        {.quota = 1'000'000'000, .window_microseconds = 1'000 * 86'400 * second}};
  const std::int64_t moments[] = {least, least + 1, -1, 0, 1, most / 2, most - 1, most};
  for (const Rate& rate : rates) {
    for (const std::int64_t full_before : moments) {
      for (const std::int64_t now : moments) {
        for (const std::int64_t cost : {least, std::int64_t{0}, std::int64_t{1}, rate.quota, most}) {
          std::int64_t full_at = full_before;
          const auto decision = take(full_at, now, rate, cost);
          EXPECT_GE(decision.remaining, 0);
          EXPECT_LE(decision.remaining, rate.quota);
          EXPECT_GE(decision.refill_microseconds, 0);
          EXPECT_EQ(decision.admitted, decision.retry_microseconds == 0);
          // Beyond what a bucket ever owes it is brought back into reach, or it would refuse for ever.
          const std::int64_t reach =
              std::clamp<std::int64_t>(now, 0, std::int64_t{1} << 53) + 2 * rate.burst_microseconds();
          EXPECT_GE(full_at, std::clamp<std::int64_t>(full_before, 0, reach));
          EXPECT_LE(full_at, reach);
        }
      }
    }
  }
}

// Two million requests in all.
TEST(ABucket, AdmitsInNoWindowMoreThanItsQuotaAndWhatCameBack) {
  for (const std::uint64_t seed : seeds) {
    Schedule schedule(seed);
    std::int64_t admitted = 0;
    std::int64_t tightest = least;
    for (int turn = 0; turn < schedules_per_seed; ++turn) {
      const Rate rate = schedule.rate();
      std::vector<Admission> admissions;
      std::int64_t now = schedule.between(0, second);
      std::int64_t full_at = 0;
      for (int request = 0; request < requests_per_schedule; ++request) {
        now += schedule.step(rate);
        const std::int64_t cost = schedule.between(0, 3) == 0 ? schedule.between(1, rate.quota) : 1;
        if (take(full_at, now, rate, cost).admitted) admissions.push_back({now, cost});
      }
      const std::int64_t excess = excess_of(admissions, rate);
      ASSERT_LE(excess, 0) << "seed " << seed << ", schedule " << turn;
      tightest = std::max(tightest, excess);
      admitted += static_cast<std::int64_t>(admissions.size());
    }
    // The bound was reached, or the schedules would prove nothing.
    EXPECT_EQ(tightest, 0) << "seed " << seed;
    std::printf("seed %llu: %lld admitted of %d\n", static_cast<unsigned long long>(seed),
                static_cast<long long>(admitted), schedules_per_seed * requests_per_schedule);
  }
}

TEST(ABucket, AdmitsWhoWaitsAsLongAsItWasTold) {
  for (const std::uint64_t seed : seeds) {
    Schedule schedule(seed);
    std::int64_t waits = 0;
    for (int turn = 0; turn < schedules_per_seed; ++turn) {
      const Rate rate = schedule.rate();
      std::int64_t now = schedule.between(0, second);
      std::int64_t full_at = 0;
      for (int request = 0; request < requests_per_schedule; ++request) {
        now += schedule.step(rate);
        const std::int64_t cost = schedule.between(0, 3) == 0 ? schedule.between(1, rate.quota) : 1;
        const auto decision = take(full_at, now, rate, cost);
        if (decision.admitted) continue;
        ++waits;
        std::int64_t copy = full_at;
        ASSERT_FALSE(take(copy, now + decision.retry_microseconds - 1, rate, cost).admitted) << "seed " << seed;
        ASSERT_TRUE(take(copy, now + decision.retry_microseconds, rate, cost).admitted) << "seed " << seed;
      }
    }
    EXPECT_GT(waits, 10'000) << "seed " << seed;
  }
}

TEST(ABucket, CountsItsTokensTruly) {
  for (const std::uint64_t seed : seeds) {
    Schedule schedule(seed);
    for (int turn = 0; turn < schedules_per_seed; ++turn) {
      const Rate rate = schedule.rate();
      std::int64_t now = 0;
      std::int64_t full_at = 0;
      for (int request = 0; request < 500; ++request) {
        now += schedule.step(rate);
        const auto decision = take(full_at, now, rate);
        std::int64_t all = full_at;
        std::int64_t one_more = full_at;
        ASSERT_TRUE(decision.remaining == 0 || take(all, now, rate, decision.remaining).admitted);
        ASSERT_FALSE(take(one_more, now, rate, decision.remaining + 1).admitted);
        if (decision.remaining == rate.quota) continue;
        const std::int64_t then = now + decision.refill_microseconds;
        ASSERT_FALSE(take(one_more, then - 1, rate, decision.remaining + 1).admitted);
        ASSERT_TRUE(take(one_more, then, rate, decision.remaining + 1).admitted);
      }
    }
  }
}

// Against real time, which only goes forward, while the clock the bucket is shown jumps back again and again.
TEST(ABucket, GivesNothingBackWhenTheClockGoesBackward) {
  for (const std::uint64_t seed : seeds) {
    Schedule schedule(seed);
    std::int64_t jumps = 0;
    for (int turn = 0; turn < schedules_per_seed; ++turn) {
      const Rate rate = schedule.rate();
      std::vector<Admission> admissions;
      std::int64_t real = 0;
      std::int64_t behind = 0;
      std::int64_t full_at = 0;
      for (int request = 0; request < requests_per_schedule; ++request) {
        real += schedule.step(rate);
        if (schedule.between(0, 20) == 0) {
          behind += schedule.between(0, rate.token_microseconds());
          ++jumps;
        }
        if (take(full_at, real - behind, rate).admitted) admissions.push_back({real, 1});
      }
      ASSERT_LE(excess_of(admissions, rate), 0) << "seed " << seed << ", schedule " << turn;
    }
    EXPECT_GT(jumps, 1'000);
  }
}

TEST(ABucket, GivesNothingWhileTheClockGoesBackwardAndCatchesUpWithItInTwoWindows) {
  const Rate rate{.quota = 10, .window_microseconds = 10 * second};
  const std::int64_t year = 365 * 86'400 * second;
  std::int64_t full_at = 0;
  for (int taken = 0; taken < 10; ++taken) EXPECT_TRUE(take(full_at, 50 * year, rate).admitted);
  for (const std::int64_t now : {50 * year, 50 * year - 1, 50 * year - 50 * second, 49 * year, year, second}) {
    EXPECT_FALSE(take(full_at, now, rate).admitted) << now;
  }
  EXPECT_FALSE(take(full_at, second + 11 * second - 1, rate).admitted);
  EXPECT_TRUE(take(full_at, second + 11 * second, rate).admitted);
}

TEST(ABucket, GivesAtMostOneBurstForAJumpForward) {
  const Rate rate{.quota = 10, .window_microseconds = 10 * second};
  for (const std::int64_t jump : {20 * second, 86'400 * second, std::int64_t{1} << 52}) {
    std::int64_t full_at = 0;
    for (int taken = 0; taken < 10; ++taken) EXPECT_TRUE(take(full_at, second, rate).admitted);
    int admitted = 0;
    for (int request = 0; request < 100; ++request) admitted += take(full_at, second + jump, rate).admitted ? 1 : 0;
    EXPECT_EQ(admitted, 10);
  }
}

}  // namespace
}  // namespace tenon::safeguards
