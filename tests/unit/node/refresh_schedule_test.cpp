#include "node/refresh_schedule.hpp"

#include <gtest/gtest.h>

namespace tenon {
namespace {

using std::chrono::seconds;

constexpr RefreshSchedule::Periods periods{
    .usual = seconds(300), .retry_least = seconds(1), .retry_most = seconds(60), .asked_least = seconds(10)};
constexpr Monotonic at(int second) { return Monotonic{seconds(1'000'000 + second)}; }

TEST(ASchedule, BeginsAtOnceAndGoesOnInItsPeriod) {
  RefreshSchedule schedule(periods, at(0));
  EXPECT_EQ(schedule.due(), at(0));
  schedule.succeeded(at(2));
  EXPECT_EQ(schedule.due(), at(302));
}

TEST(ASchedule, TriesAgainSoonAndThenMoreSeldom) {
  RefreshSchedule schedule(periods, at(0));
  int second = 0;
  for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
    schedule.failed(at(second));
    EXPECT_EQ(schedule.due(), at(second + wait));
    second += wait;
  }
  schedule.succeeded(at(second));
  EXPECT_EQ(schedule.due(), at(second + 300));
  schedule.failed(at(second));
  EXPECT_EQ(schedule.due(), at(second + 1)) << "the failures of before are forgotten";
}

TEST(ASchedule, NeverWaitsLongerAfterAFailureThanAfterASuccess) {
  RefreshSchedule schedule(
      {.usual = seconds(1), .retry_least = seconds(5), .retry_most = seconds(60), .asked_least = {}}, at(0));
  schedule.failed(at(0));
  EXPECT_EQ(schedule.due(), at(1));
}

TEST(ASchedule, IsBroughtForwardByAnUnknownKeyButNotPastItsBound) {
  RefreshSchedule schedule(periods, at(0));
  schedule.succeeded(at(0));
  schedule.asked(at(3));
  EXPECT_EQ(schedule.due(), at(10));
  schedule.asked(at(4));
  EXPECT_EQ(schedule.due(), at(10));
  schedule.succeeded(at(10));
  schedule.asked(at(100));
  EXPECT_EQ(schedule.due(), at(100)) << "the last one is long past";
  schedule.succeeded(at(100));
  schedule.asked(at(399));
  EXPECT_EQ(schedule.due(), at(399));
}

TEST(ASchedule, IsNotPutOffByAnUnknownKey) {
  RefreshSchedule schedule(periods, at(0));
  schedule.failed(at(0));
  schedule.asked(at(0));
  EXPECT_EQ(schedule.due(), at(1));
}

// Whatever strangers send, and however often: so many fetches and no more.
TEST(ASchedule, IsBoundedWhateverIsAskedAndHoweverOften) {
  RefreshSchedule schedule(periods, at(0));
  int attempts = 0;
  for (int second = 0; second < 3'600; ++second) {
    for (int i = 0; i < 100; ++i) schedule.asked(at(second));
    if (at(second) < schedule.due()) continue;
    ++attempts;
    schedule.succeeded(at(second));
  }
  EXPECT_LE(attempts, 3'600 / 10 + 1);
}

}  // namespace
}  // namespace tenon
