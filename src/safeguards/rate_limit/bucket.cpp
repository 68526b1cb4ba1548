#include "safeguards/rate_limit/bucket.hpp"

#include <algorithm>
#include <limits>

namespace tenon::safeguards {
namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
static_assert(Rate{.quota = 1'000'000'000, .window_nanoseconds = 86'400'000'000'000}.burst_nanoseconds() < never / 4,
              "a burst, and two of them added, stay far below overflow");

[[nodiscard]] constexpr std::int64_t sum_or_never(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? never : sum;
}

// How far the bucket is from full, in nanoseconds of refilling.
[[nodiscard]] constexpr std::int64_t debt_of(std::int64_t full_at, std::int64_t now) noexcept {
  if (full_at <= now) return 0;
  std::int64_t debt = 0;
  return __builtin_sub_overflow(full_at, now, &debt) ? never : debt;
}

// The next token is there when the debt has sunk to the next whole number of tokens below the burst.
[[nodiscard]] constexpr std::int64_t until_next_token(std::int64_t debt, std::int64_t token,
                                                      std::int64_t burst) noexcept {
  if (debt == 0) return 0;
  if (debt > burst) return sum_or_never(debt - burst, token);
  const std::int64_t rest = debt % token;
  return rest == 0 ? token : rest;
}

}  // namespace

BucketDecision take(std::int64_t& full_at, std::int64_t now, const Rate& rate, std::int64_t cost) noexcept {
  BucketDecision decision;
  if (!rate.valid())
    return {.admitted = false, .remaining = 0, .retry_nanoseconds = never, .refill_nanoseconds = never};

  const std::int64_t token = rate.token_nanoseconds();
  const std::int64_t burst = token * rate.quota;
  std::int64_t debt = debt_of(full_at, now);

  if (cost > rate.quota) {  // more than the bucket ever holds
    decision.retry_nanoseconds = never;
  } else {
    const std::int64_t wanted = token * std::max<std::int64_t>(cost, 0);
    std::int64_t full_then = 0;
    // At the end of time the sum does not fit; refusing is the side on which no limit is exceeded.
    const bool fits = !__builtin_add_overflow(std::max(full_at, now), wanted, &full_then);
    if (debt <= burst - wanted && fits) {
      decision.admitted = true;
      if (wanted > 0) full_at = full_then;
      debt += wanted;
    } else {
      decision.retry_nanoseconds = fits ? sum_or_never(debt, wanted - burst) : never;
    }
  }
  decision.remaining = debt >= burst ? 0 : (burst - debt) / token;
  decision.refill_nanoseconds = until_next_token(debt, token, burst);
  return decision;
}

}  // namespace tenon::safeguards
