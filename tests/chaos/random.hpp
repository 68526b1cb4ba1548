// The one source of chance of a run: what is drawn from a seed is the same on every machine.
#pragma once

#include <cstdint>
#include <random>
#include <span>

namespace tenon::chaos {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  // 0 <= result < bound
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least + 1)));
  }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class Range>
  auto& one_of(Range& range) {
    return range[below(std::size(range))];
  }
  std::uint64_t seed() { return engine_(); }  // of another one

 private:
  std::mt19937_64 engine_;
};

}  // namespace tenon::chaos
