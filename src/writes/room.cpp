#include "writes/room.hpp"

#include <algorithm>

namespace tenon::writes {
namespace {

// Most of what a smaller batch costs, it costs with one command too: it says nothing about how many could have gone
// with it. To count it as one of this size was tried; the pace of five-line orders then seemed thrice what it was.
constexpr std::size_t small_batch = 64;
constexpr double kept = 7.0 / 8;  // of what was known, when a batch is added

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void Pace::note(std::size_t commands, std::chrono::nanoseconds took) noexcept {
  commands_ = commands_ * kept + static_cast<double>(commands);
  seconds_ = seconds_ * kept + seconds(took);
}

std::size_t Pace::commands_in(std::chrono::nanoseconds time) const noexcept {
  if (commands_ == 0) return 0;
  const double done = seconds(time) * commands_ / std::max(seconds_, 1e-9);
  return done < 1e9 ? static_cast<std::size_t>(done) : std::size_t{1'000'000'000};
}

Room::Room(std::chrono::milliseconds wait_max, std::size_t batch_commands_max, std::size_t queue_max,
           LaneObserver& next)
    : wait_max_(wait_max),
      queue_max_(queue_max),
      least_(std::max<std::size_t>(batch_commands_max / 2, 1)),
      next_(next),
      most_(wait_max.count() > 0 ? std::min(batch_commands_max, queue_max) : queue_max) {}

void Room::on_batch(const Operation& operation, std::size_t commands, std::chrono::steady_clock::duration took) {
  if (wait_max_.count() > 0 && commands >= std::min(least_, small_batch)) {
    pace_.note(commands, took);
    most_.store(std::min(queue_max_, std::max(least_, pace_.commands_in(wait_max_))), std::memory_order_relaxed);
  }
  next_.on_batch(operation, commands, took);
}

void Room::on_retry(std::string_view reason, std::size_t commands) { next_.on_retry(reason, commands); }

}  // namespace tenon::writes
