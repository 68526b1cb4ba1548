// Which lane a write goes to: loads are arguments, so nothing here runs.
#include "writes/lane_choice.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tenon::writes {
namespace {

constexpr std::size_t own = 2;       // of the thread that asks
constexpr std::size_t affinity = 7;  // the fourth of four lanes
constexpr std::size_t by_affinity = 3;

std::size_t choose(LaneChoice& choice, const std::vector<LaneChoice::Load>& loads) {
  return choice.choose(loads.size(), own, affinity, [&](std::size_t i) { return loads[i]; });
}

constexpr LaneChoice::Load idle{.held = 0, .gets_on = true};
constexpr LaneChoice::Load holding(std::size_t commands) { return {.held = commands, .gets_on = true}; }
constexpr LaneChoice::Load held_up(std::size_t commands) { return {.held = commands, .gets_on = false}; }

TEST(AWriteThatIsAlone, GoesOverTheLaneOfItsOwnThread) {
  for (const std::size_t below : {0, 10}) {
    LaneChoice choice(below);
    EXPECT_EQ(choose(choice, {idle, idle, idle, idle}), own);
  }
}

TEST(AWriteThatIsAlone, GoesOverAnotherLaneWhereItsOwnDoesNotGetOn) {
  LaneChoice choice(10);
  EXPECT_EQ(choose(choice, {held_up(0), idle, held_up(0), idle}), 1U);
  EXPECT_EQ(choose(choice, {held_up(0), held_up(0), held_up(0), held_up(0)}), own);
}

TEST(FewWrites, GoOverTheLaneThatIsAtWork) {
  LaneChoice choice(10);
  EXPECT_EQ(choose(choice, {idle, holding(1), idle, idle}), 1U);
  EXPECT_EQ(choose(choice, {idle, holding(9), idle, idle}), 1U);
}

TEST(FewWrites, AreSpreadWhereNothingIsToBeGathered) {
  LaneChoice choice(0);
  EXPECT_EQ(choose(choice, {idle, holding(1), idle, idle}), by_affinity);
}

TEST(FewWrites, DoNotWaitForWhatHoldsALaneUp) {
  LaneChoice choice(10);
  EXPECT_EQ(choose(choice, {idle, held_up(1), idle, idle}), by_affinity);
}

TEST(ManyWrites, AreSpreadAndStaySoUntilHalfAsManyAreLeft) {
  LaneChoice choice(10);
  EXPECT_EQ(choose(choice, {idle, holding(10), idle, idle}), by_affinity);
  EXPECT_EQ(choose(choice, {idle, holding(6), idle, idle}), by_affinity);
  EXPECT_EQ(choose(choice, {idle, holding(2), idle, holding(3)}), by_affinity) << "of all lanes together";
  EXPECT_EQ(choose(choice, {idle, holding(2), idle, holding(2)}), 1U);
  EXPECT_EQ(choose(choice, {idle, holding(9), idle, idle}), 1U) << "and gathered until there are many again";
}

TEST(ManyWrites, AreManyOverAllLanesTogether) {
  LaneChoice choice(10);
  EXPECT_EQ(choose(choice, {holding(5), holding(5), idle, idle}), by_affinity);
}

}  // namespace
}  // namespace tenon::writes
