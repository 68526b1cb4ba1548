// The token bucket as one number, the generic cell rate algorithm (ITU-T I.371), and the penalty of who keeps pushing
// against an empty one. Integers, and time as an argument.
//
// Everything is counted in microseconds, so that a bucket can live in Redis as well: a Lua number is exact up to 2^53,
// which as microseconds since 1970 is the year 2255.
#pragma once

#include <cstdint>

namespace tenon::safeguards {

// `quota` requests per `window`, all of which may come at once.
struct Rate {
  std::int64_t quota = 0;                // 1 to 1'000'000'000, and at most one a microsecond
  std::int64_t window_microseconds = 0;  // 1 ms to 1000 days

  // Rounded up, so that never more than `quota` tokens come back per window.
  [[nodiscard]] constexpr std::int64_t token_microseconds() const noexcept {
    return (window_microseconds + quota - 1) / quota;
  }
  [[nodiscard]] constexpr std::int64_t burst_microseconds() const noexcept { return token_microseconds() * quota; }
  // Within the bounds above: what take() can count with.
  [[nodiscard]] constexpr bool valid() const noexcept {
    return quota >= 1 && quota <= 1'000'000'000 && window_microseconds >= 1'000 &&
           window_microseconds <= 86'400'000'000'000 && quota <= window_microseconds;
  }
  bool operator==(const Rate&) const = default;
};

// What a refusal while refused adds to the wait: `base`, and with each further one twice as much, up to `cap`.
struct Penalty {
  std::int64_t base_microseconds = 0;  // 0: no penalties
  std::int64_t cap_microseconds = 0;   // base to 1 day

  [[nodiscard]] constexpr bool valid() const noexcept {
    return base_microseconds >= 0 && base_microseconds <= cap_microseconds && cap_microseconds <= 86'400'000'000;
  }
  bool operator==(const Penalty&) const = default;
};

// Refusals that come this soon after the first one are not held against their sender, who cannot have heard of it:
// they were under way together.
inline constexpr std::int64_t penalty_grace_microseconds = 50'000;

// One token's time, up to five windows (an hour at most).
[[nodiscard]] Penalty default_penalty(const Rate& rate) noexcept;

// A bucket's whole state. All zero: full, and nothing held against anybody. Moments are of the clock that take() is
// shown.
struct BucketState {
  std::int64_t full_at = 0;        // when it will be full again ("theoretical arrival time"); any past moment: full
  std::int64_t blocked_until = 0;  // what the last refused one was told; whoever comes sooner pushes
  std::int64_t refused_at = 0;     // when it was told so
  std::int64_t level = 0;          // how often the penalty doubled
  bool operator==(const BucketState&) const = default;
};

// What a bucket says to one request.
struct BucketDecision {
  bool decided = false;                  // false: not asked, as a bucket before it had refused
  bool admitted = false;                 //
  bool penalized = false;                // refused for longer than until its tokens are there
  std::int64_t remaining = 0;            // whole tokens left after this decision; 0 for who is to wait
  std::int64_t retry_microseconds = 0;   // whoever waits this long is admitted; 0 when admitted
  std::int64_t refill_microseconds = 0;  // until the next token comes back (0: full)
};

// Takes `cost` tokens when they are there, else none.
//
// A refusal tells how long to wait. Who comes again sooner (and later than the grace) is refused whatever the bucket
// holds, and the penalty doubles; it ends at a moment that is fixed, so pushing on past the cap does not lengthen it.
// Who waited as told is admitted. Each wait sat out takes one doubling back, and each window after it another one: who
// always waits as told never has a penalty.
//
// Never admits more than quota + rate x t in any time t of the clock's going forward. Where it went back, nothing is
// given back, and a bucket has caught up with it after two windows. A cost above the quota, or a rate or penalty that
// is not valid, is refused for ever. A cost below one takes nothing. Moments count from 0 to 2^53. Pure.
[[nodiscard]] BucketDecision take(BucketState& state, std::int64_t now, const Rate& rate, const Penalty& penalty = {},
                                  std::int64_t cost = 1) noexcept;

// Takes `cost` tokens whether they are there or not; a bucket owes one quota at most. Pure.
void charge(BucketState& state, std::int64_t now, const Rate& rate, std::int64_t cost) noexcept;

// From this moment on the bucket is what a new one is: it may be forgotten.
[[nodiscard]] std::int64_t forgotten_at(const BucketState& state, const Rate& rate) noexcept;

}  // namespace tenon::safeguards
