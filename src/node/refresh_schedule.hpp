// When to fetch again: a pure decision over instants that it is given.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.hpp"

namespace tenon {

class RefreshSchedule {
 public:
  struct Periods {
    std::chrono::milliseconds usual;        // after a success
    std::chrono::milliseconds retry_least;  // after a failure; doubles with each one more,
    std::chrono::milliseconds retry_most;   // up to this
    std::chrono::milliseconds asked_least;  // between two attempts, when somebody asks for one
  };
  RefreshSchedule(Periods periods, Monotonic now) : periods_(periods), due_(now), last_(now - periods.asked_least) {}

  [[nodiscard]] Monotonic due() const noexcept { return due_; }

  void succeeded(Monotonic now) {
    failures_ = 0;
    attempted(now, periods_.usual);
  }
  void failed(Monotonic now) {
    std::chrono::milliseconds wait = periods_.retry_least;
    for (int i = 0; i < failures_ && wait < periods_.retry_most; ++i) wait *= 2;
    ++failures_;
    attempted(now, std::min({wait, periods_.retry_most, periods_.usual}));
  }
  // Brings the next attempt forward, never past what is allowed, and never puts it off.
  void asked(Monotonic now) { due_ = std::min(due_, std::max(now, last_ + periods_.asked_least)); }

 private:
  void attempted(Monotonic now, std::chrono::milliseconds wait) {
    last_ = now;
    due_ = now + wait;
  }
  Periods periods_;
  Monotonic due_;
  Monotonic last_;  // attempt
  int failures_ = 0;
};

}  // namespace tenon
