// The token bucket as one number: the generic cell rate algorithm (ITU-T I.371), integer arithmetic, time as an
// argument.
#pragma once

#include <cstdint>

namespace tenon::safeguards {

// `quota` requests per `window`, all of which may come at once. Units: nanoseconds.
struct Rate {
  std::int64_t quota = 0;               // 1 to 1'000'000'000
  std::int64_t window_nanoseconds = 0;  // 1 ms to 1 day

  // Rounded up, so that never more than `quota` tokens come back per window.
  [[nodiscard]] constexpr std::int64_t token_nanoseconds() const noexcept {
    return (window_nanoseconds + quota - 1) / quota;
  }
  [[nodiscard]] constexpr std::int64_t burst_nanoseconds() const noexcept { return token_nanoseconds() * quota; }
  // Within the bounds above: what take() can count with.
  [[nodiscard]] constexpr bool valid() const noexcept {
    return quota >= 1 && quota <= 1'000'000'000 && window_nanoseconds >= 1 && window_nanoseconds <= 86'400'000'000'000;
  }
  bool operator==(const Rate&) const = default;
};

// What a bucket says to one request.
struct BucketDecision {
  bool admitted = false;
  std::int64_t remaining = 0;           // whole tokens left after this decision
  std::int64_t retry_nanoseconds = 0;   // until `cost` tokens are there; 0 when admitted
  std::int64_t refill_nanoseconds = 0;  // until the next token comes back (0: full)
};

// `full_at` is the bucket's whole state: the moment at which it will be full again ("theoretical arrival time"). 0 or
// any past moment: full. Takes `cost` tokens when they are there and changes nothing otherwise. Time that goes
// backwards never gives tokens back. A cost above the quota, or a rate that is not valid, is refused for ever. Pure.
[[nodiscard]] BucketDecision take(std::int64_t& full_at, std::int64_t now, const Rate& rate,
                                  std::int64_t cost = 1) noexcept;

}  // namespace tenon::safeguards
