// How much a lane takes on: times are arguments, so nothing here waits.
#include "writes/room.hpp"

#include <gtest/gtest.h>

namespace tenon::writes {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t batch_max = 512;
constexpr std::size_t half_a_batch = batch_max / 2;
constexpr milliseconds wait_max{100};
constexpr std::size_t queue_max = 200'000;

struct Seen final : LaneObserver {
  void on_batch(const Operation&, std::size_t commands, std::chrono::steady_clock::duration) override {
    batches += 1;
    sum += commands;
  }
  void on_retry(std::string_view reason, std::size_t) override { last_reason = reason; }
  std::size_t batches = 0;
  std::size_t sum = 0;
  std::string last_reason;
};

class ALanesRoom : public testing::Test {
 protected:
  void batches(int count, std::size_t commands, milliseconds took, Room& room) {
    for (int i = 0; i < count; ++i) room.on_batch(operation_, commands, took);
  }
  Operation operation_;
  Seen seen_;
  Room room_{wait_max, batch_max, queue_max, seen_};
};

TEST_F(ALanesRoom, IsOneBatchUntilItsPaceIsKnown) {
  EXPECT_TRUE(room_.is_left_beside(batch_max - 1));
  EXPECT_FALSE(room_.is_left_beside(batch_max));
}

TEST_F(ALanesRoom, IsWhatGetsDoneInTheLongestWait) {
  batches(20, 100, milliseconds{10}, room_);  // ten a millisecond
  EXPECT_TRUE(room_.is_left_beside(999));
  EXPECT_FALSE(room_.is_left_beside(1'001));
}

TEST_F(ALanesRoom, FollowsItsPace) {
  batches(20, 100, milliseconds{10}, room_);
  batches(40, 100, milliseconds{20}, room_);
  EXPECT_FALSE(room_.is_left_beside(510));
  EXPECT_TRUE(room_.is_left_beside(490));
  batches(40, 100, milliseconds{5}, room_);
  EXPECT_TRUE(room_.is_left_beside(1'900));
}

// Who sold one piece at a time so far is not told to come back when hundreds want one at once; nor does a batch that
// cost little more than its flush promise that ten times as many would cost no more.
TEST_F(ALanesRoom, IsNotJudgedBySmallBatches) {
  batches(100, 1, milliseconds{100}, room_);
  EXPECT_TRUE(room_.is_left_beside(batch_max - 1));
  batches(20, 300, milliseconds{100}, room_);
  batches(100, 20, milliseconds{1}, room_);
  EXPECT_TRUE(room_.is_left_beside(299));
  EXPECT_FALSE(room_.is_left_beside(301));
}

TEST_F(ALanesRoom, IsHalfABatchWhereBatchesAreSmallToo) {
  Room room(wait_max, 8, queue_max, seen_);
  batches(20, 8, milliseconds{1'000}, room);
  EXPECT_TRUE(room.is_left_beside(3));
  EXPECT_FALSE(room.is_left_beside(4));
}

// Else one that was refused everything would never learn that the database is quick again.
TEST_F(ALanesRoom, IsNeverLessThanHalfABatchHoweverSlowTheDatabase) {
  batches(20, 64, milliseconds{8'000}, room_);
  EXPECT_TRUE(room_.is_left_beside(half_a_batch - 1));
  EXPECT_FALSE(room_.is_left_beside(half_a_batch));
}

TEST_F(ALanesRoom, IsNeverMoreThanItsQueue) {
  for (const milliseconds wait : {milliseconds{0}, wait_max}) {
    Room room(wait, batch_max, 20, seen_);
    EXPECT_TRUE(room.is_left_beside(19));
    EXPECT_FALSE(room.is_left_beside(20));
    batches(20, 100, milliseconds{1}, room);
    EXPECT_TRUE(room.is_left_beside(19));
    EXPECT_FALSE(room.is_left_beside(20));
  }
}

TEST_F(ALanesRoom, IsBackSoonAfterOneBatchThatWaitedForALock) {
  batches(20, 200, milliseconds{20}, room_);
  batches(1, 200, milliseconds{3'000}, room_);
  EXPECT_FALSE(room_.is_left_beside(900));
  batches(40, 200, milliseconds{20}, room_);
  EXPECT_TRUE(room_.is_left_beside(900));
}

TEST_F(ALanesRoom, IsNotBoundedByTimeWhereThatIsSwitchedOff) {
  Room room(milliseconds{0}, batch_max, queue_max, seen_);
  batches(20, 64, milliseconds{8'000}, room);
  EXPECT_TRUE(room.is_left_beside(queue_max - 1));
  EXPECT_FALSE(room.is_left_beside(queue_max));
}

TEST_F(ALanesRoom, SurvivesABatchThatTookNoTime) {
  batches(3, 512, milliseconds{0}, room_);
  EXPECT_TRUE(room_.is_left_beside(100'000));
}

TEST_F(ALanesRoom, PassesOnWhatItIsTold) {
  batches(3, 7, milliseconds{1}, room_);
  room_.on_retry("collision", 7);
  EXPECT_EQ(seen_.batches, 3U);
  EXPECT_EQ(seen_.sum, 21U);
  EXPECT_EQ(seen_.last_reason, "collision");
}

TEST(ALanesPace, IsZeroUntilSomethingIsKnown) { EXPECT_EQ(Pace().commands_in(milliseconds{100}), 0U); }

}  // namespace
}  // namespace tenon::writes
