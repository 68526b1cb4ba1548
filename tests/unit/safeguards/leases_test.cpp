// How many tokens are asked for ahead of need: times are arguments, so nothing here waits.
#include "safeguards/rate_limit/leases.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tenon::safeguards {
namespace {

constexpr LeaseTerms terms{.lifetime_microseconds = 50'000, .tokens_max = 100};

constexpr std::int64_t forgotten_later = 2'000'000;

class ALease : public testing::Test {
 protected:
  std::int64_t ask(std::int64_t now) { return leases_.ask("limit", "subject", terms, now); }
  void grant(std::int64_t tokens, std::int64_t now) { leases_.grant("limit", "subject", terms, tokens, now); }
  Leases::Taken take(std::int64_t now) { return leases_.take("limit", "subject", 1, now); }
  void give_back(const Leases::Taken& taken) { leases_.give_back("limit", "subject", 1, taken); }

  Leases leases_{16};
};

TEST_F(ALease, AsksForWhatWasLatelyUsedAndNoMoreThanABlock) {
  EXPECT_EQ(ask(0), 2);
  EXPECT_EQ(ask(1), 0) << "somebody asks already";
  grant(2, 0);
  EXPECT_TRUE(take(1'000).taken);
  EXPECT_EQ(ask(1'000), 6);
  grant(6, 1'000);
  std::int64_t most = 0;
  for (std::int64_t now = 1'100; now < 40'000; now += 100) {
    (void)take(now);
    const std::int64_t asked = ask(now);
    most = std::max(most, asked);
    if (asked > 0) grant(asked, now);
  }
  EXPECT_EQ(most, terms.tokens_max);
}

// Taken before the question, given back after it: to ask for less than nothing would hand tokens to the shared store
// that nobody has.
TEST_F(ALease, IsNeverAskedForLessThanNothing) {
  grant(ask(0), 0);
  grant(50 + ask(1'000), 1'000);
  std::vector<Leases::Taken> taken;
  for (int i = 0; i < 20; ++i) taken.push_back(take(1'100));
  grant(ask(1'200), 1'200);
  for (const Leases::Taken& each : taken) {
    ASSERT_TRUE(each.taken);
    give_back(each);
  }
  EXPECT_GT(ask(2'000), 0);
}

TEST_F(ALease, TakesBackWhatWasNotUsedIntoItsOwnBlockAlone) {
  (void)ask(0);
  grant(2, 0);
  const Leases::Taken taken = take(10);
  ASSERT_TRUE(taken.taken);
  give_back(taken);
  EXPECT_TRUE(take(20).taken);
  EXPECT_TRUE(take(20).taken);
  EXPECT_FALSE(take(20).taken);
  (void)ask(forgotten_later);
  grant(1, forgotten_later);
  give_back(taken);
  EXPECT_TRUE(take(forgotten_later).taken);
  EXPECT_FALSE(take(forgotten_later).taken) << "it would outlive its lease";
}

}  // namespace
}  // namespace tenon::safeguards
