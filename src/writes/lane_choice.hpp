// Which of the write lanes a command goes to.
#pragma once

#include <atomic>
#include <cstddef>

namespace tenon::writes {

// Most of what a small batch costs the database, it costs with one command too. So while few writes are under way they
// all go over one lane, in batches twice as large as over two; more lanes are for more than one lane can do. A
// decision: no clock, no locks. From any thread.
class LaneChoice {
 public:
  struct Load {
    std::size_t held;  // commands
    bool gets_on;      // connected, with room, and nothing holds its batches up
  };

  // Writes are gathered while fewer than `gather_below` are under way; 0: never.
  explicit LaneChoice(std::size_t gather_below) noexcept : gather_below_(gather_below), spread_(gather_below == 0) {}

  // The number of one of `lanes` lanes, `load_of(i)` being the i-th one's:
  //   nothing is under way   `own`, that of the caller's thread: the command is spared the way to another and back;
  //                          another that gets on, where this one does not
  //   a little is            that which is at work, unless it is held up: not everybody shall wait for what holds it up
  //   else                   by `affinity`, so that what changes one row goes over one lane
  template <class LoadOf>
  [[nodiscard]] std::size_t choose(std::size_t lanes, std::size_t own, std::size_t affinity,
                                   const LoadOf& load_of) noexcept {
    std::size_t held = 0;
    std::size_t busy = own;  // the first that holds something
    bool busy_gets_on = false;
    std::size_t lone = own;
    bool lone_gets_on = false;
    for (std::size_t i = 0; i < lanes; ++i) {
      const Load load = load_of(i);
      if (held == 0 && load.held > 0) {
        busy = i;
        busy_gets_on = load.gets_on;
      }
      if (load.gets_on && (i == own || !lone_gets_on)) {
        lone = i;
        lone_gets_on = true;
      }
      held += load.held;
    }
    const bool gathers = gathers_beside(held);
    if (held == 0) return lone;
    return gathers && busy_gets_on ? busy : affinity % lanes;
  }

 private:
  // Once spread they stay so until half as many are held: an item that went to and fro between two lanes would make
  // their transactions wait for each other.
  bool gathers_beside(std::size_t held) noexcept {
    const bool was_spread = spread_.load(std::memory_order_relaxed);
    const bool spread = held >= (was_spread ? gather_below_ / 2 : gather_below_);
    if (spread != was_spread) spread_.store(spread, std::memory_order_relaxed);
    return !spread;
  }

  const std::size_t gather_below_;
  std::atomic<bool> spread_;
};

}  // namespace tenon::writes
