// A breaker: whether Redis is worth asking, as one thread sees it. Pure; times are microseconds of one monotonic clock.
#pragma once

#include <cstdint>

namespace tenon::safeguards {

// Shut at first. A success of a probe opens it; so many failures in a row shut it. Requests pass an open gate only, and
// never open one.
class Gate {
 public:
  explicit Gate(int failures_to_shut) noexcept : failures_to_shut_(failures_to_shut) {}

  [[nodiscard]] bool open() const noexcept { return open_; }
  // True: that made the difference.
  bool probed(std::int64_t now) noexcept {
    failures_ = 0;
    if (open_) return false;
    open_ = true;
    opened_at_ = now;
    return true;
  }
  void succeeded() noexcept { failures_ = 0; }
  bool failed() noexcept {
    if (!open_ || ++failures_ < failures_to_shut_) return false;
    open_ = false;
    return true;
  }
  // A connection was made anew: Redis may have lost what it knew.
  void reconnected(std::int64_t now) noexcept { opened_at_ = now; }
  // Since when Redis has been there without a break.
  [[nodiscard]] std::int64_t opened_at() const noexcept { return opened_at_; }

 private:
  int failures_to_shut_;
  int failures_ = 0;
  bool open_ = false;
  std::int64_t opened_at_ = 0;
};

}  // namespace tenon::safeguards
