// Random schedules of requests, and what a bucket may have admitted of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "safeguards/rate_limit/bucket.hpp"

namespace tenon::safeguards {

inline constexpr std::int64_t second = 1'000'000;
inline constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

inline constexpr std::uint64_t seeds[] = {1, 2, 3, 20'251'202};
inline constexpr int schedules_per_seed = 100;
inline constexpr int requests_per_schedule = 5'000;

struct Admission {
  std::int64_t at;
  std::int64_t cost;
};

// The most by which any window [admissions[i].at, admissions[j].at] exceeds quota + rate * length, in microseconds of
// tokens; one pass, as the least of (tokens before i - start of i) is carried along.
inline std::int64_t excess_of(const std::vector<Admission>& admissions, const Rate& rate) {
  const std::int64_t token = rate.token_microseconds();
  std::int64_t taken = 0;
  std::int64_t least_offset = most;
  std::int64_t excess = least;
  for (const Admission& one : admissions) {
    least_offset = std::min(least_offset, taken * token - one.at);
    taken += one.cost;
    excess = std::max(excess, taken * token - one.at - least_offset - rate.burst_microseconds());
  }
  return excess;
}

class Schedule {
 public:
  explicit Schedule(std::uint64_t seed) : random_(seed) {}

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  Rate rate() {
    const std::int64_t quota = between(0, 3) == 0 ? between(1, 3) : between(1, 1'000);
    return {.quota = quota,
            .window_microseconds = between(0, 2) == 0 ? between(1'000'000, second) : between(second, 3'600 * second)};
  }
  // Bursts, steps around one token, long pauses: where mistakes of one would show.
  std::int64_t step(const Rate& rate) {
    const std::int64_t token = rate.token_microseconds();
    switch (between(0, 5)) {
      case 0:
      case 1:
        return 0;
      case 2:
        return between(std::max<std::int64_t>(token - 1, 0), token + 1);
      case 3:
        return between(0, 2 * token);
      case 4:
        return between(0, 40) == 0 ? rate.burst_microseconds() + between(-1, 1) : 1;
      default:
        return between(0, 200) == 0 ? between(0, 3 * rate.burst_microseconds()) : token;
    }
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace tenon::safeguards
