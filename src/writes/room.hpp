// How much a lane takes on before it says 503: by how long the last of its queue would wait, not by its length alone.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>

#include "writes/lane.hpp"

namespace tenon::writes {

// What a lane gets done, learned from its batches. A decision: no clock, no locks.
class Pace {
 public:
  // A batch of so many commands took so long. The last eight count for most.
  void note(std::size_t commands, std::chrono::nanoseconds took) noexcept;

  // How many commands are done within `time`, at the pace so far; 0 as long as nothing was noted.
  [[nodiscard]] std::size_t commands_in(std::chrono::nanoseconds time) const noexcept;

 private:
  double commands_ = 0;
  double seconds_ = 0;
};

// Of one lane, which tells it of its batches. The rest from any thread. Until a batch was large enough to tell the pace
// by, there is room for one whole batch.
class Room final : public LaneObserver {
 public:
  // `next` is told of everything, and outlives it. With `wait_max` 0 only the queue's length bounds it.
  Room(std::chrono::milliseconds wait_max, std::size_t batch_commands_max, std::size_t queue_max, LaneObserver& next);

  void on_batch(const Operation& operation, std::size_t commands, std::chrono::steady_clock::duration took) override;
  void on_retry(std::string_view reason, std::size_t commands) override;

  // May a lane that holds so many commands take one more? What fits into half a batch, and the queue, always may: it
  // waits for one batch at most before its own, and a lane that refused everything would learn nothing more about its
  // pace.
  [[nodiscard]] bool is_left_beside(std::size_t held) const noexcept {
    return held < most_.load(std::memory_order_relaxed);
  }

 private:
  const std::chrono::milliseconds wait_max_;
  const std::size_t queue_max_;
  const std::size_t least_;
  LaneObserver& next_;
  Pace pace_;  // of the lane's thread
  std::atomic<std::size_t> most_;
};

}  // namespace tenon::writes
