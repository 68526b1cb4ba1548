#include "safeguards/rate_limit/bucket.hpp"

#include <algorithm>
#include <limits>

namespace tenon::safeguards {
namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t end_of_time = std::int64_t{1} << 53;

// A bucket of which more is missing than it ever owes was written by a clock that has gone back since.
[[nodiscard]] constexpr std::int64_t most_owed(std::int64_t burst) noexcept { return 2 * burst; }

// Returns until when it may be blocked at most.
std::int64_t settle(BucketState& state, std::int64_t now, std::int64_t burst, const Penalty& penalty) noexcept {
  const std::int64_t latest_full = now + most_owed(burst);
  const std::int64_t latest = latest_full + penalty.cap_microseconds;
  state.full_at = std::clamp<std::int64_t>(state.full_at, 0, latest_full);
  state.blocked_until = std::clamp<std::int64_t>(state.blocked_until, 0, latest);
  state.refused_at = std::clamp<std::int64_t>(state.refused_at, 0, now);
  state.level = std::clamp<std::int64_t>(state.level, 0, 63);
  return latest;
}

// The `level`th doubling.
[[nodiscard]] constexpr std::int64_t added_at(std::int64_t level, const Penalty& penalty) noexcept {
  if (level == 0) return 0;
  std::int64_t added = penalty.base_microseconds;
  for (std::int64_t doubled = 1; doubled < level && added < penalty.cap_microseconds; ++doubled) added *= 2;
  return std::min(added, penalty.cap_microseconds);
}

// The next token is there when the debt has sunk to the next whole number of tokens below the burst.
[[nodiscard]] constexpr std::int64_t until_next_token(std::int64_t debt, std::int64_t token,
                                                      std::int64_t burst) noexcept {
  if (debt == 0) return 0;
  if (debt > burst) return debt - burst + token;
  const std::int64_t rest = debt % token;
  return rest == 0 ? token : rest;
}

// Came back sooner than told. Doubles the penalty, unless they could not know.
void push(BucketState& state, std::int64_t now, std::int64_t latest, const Penalty& penalty) noexcept {
  if (now - state.refused_at < penalty_grace_microseconds) return;
  const std::int64_t added = added_at(state.level, penalty);
  if (added >= penalty.cap_microseconds) return;
  ++state.level;
  state.blocked_until = std::min(state.blocked_until + added_at(state.level, penalty) - added, latest);
}

// The first refusal after a wait that was sat out, or ever.
void refuse(BucketState& state, std::int64_t now, std::int64_t wait, std::int64_t burst,
            const Penalty& penalty) noexcept {
  const std::int64_t windows = (now - state.blocked_until) / burst;
  state.level = std::max<std::int64_t>(0, state.level - 1 - windows);
  state.refused_at = now;
  state.blocked_until = now + wait + added_at(state.level, penalty);
}

}  // namespace

Penalty default_penalty(const Rate& rate) noexcept {
  constexpr std::int64_t hour = 3'600'000'000;
  if (!rate.valid()) return {};
  const std::int64_t cap = std::min(5 * rate.window_microseconds, hour);
  return {.base_microseconds = std::min(rate.token_microseconds(), cap), .cap_microseconds = cap};
}

BucketDecision take(BucketState& state, std::int64_t now, const Rate& rate, const Penalty& penalty,
                    std::int64_t cost) noexcept {
  BucketDecision decision{.decided = true};
  if (!rate.valid() || !penalty.valid()) {
    decision.retry_microseconds = decision.refill_microseconds = never;
    return decision;
  }
  now = std::clamp<std::int64_t>(now, 0, end_of_time);
  const std::int64_t token = rate.token_microseconds();
  const std::int64_t burst = token * rate.quota;
  const std::int64_t latest = settle(state, now, burst, penalty);

  const bool punishes = penalty.base_microseconds > 0;
  const bool blocked = punishes && now < state.blocked_until;
  std::int64_t debt = std::max<std::int64_t>(state.full_at - now, 0);
  std::int64_t wait = 0;
  if (cost > rate.quota) {  // more than the bucket ever holds
    wait = never;
  } else {
    const std::int64_t wanted = token * std::max<std::int64_t>(cost, 0);
    wait = std::max<std::int64_t>(debt + wanted - burst, 0);
    if (blocked) {
      push(state, now, latest, penalty);
      state.blocked_until = std::max(state.blocked_until, now + wait);
    } else if (wait > 0 && punishes) {
      refuse(state, now, wait, burst, penalty);
    } else if (wait == 0 && wanted > 0) {
      debt += wanted;
      state.full_at = now + debt;
    }
    if (punishes && now < state.blocked_until) {
      decision.penalized = state.blocked_until - now > wait;
      wait = state.blocked_until - now;
    }
  }
  decision.admitted = wait == 0;
  decision.retry_microseconds = wait;
  const bool shut = punishes && now < state.blocked_until;
  decision.remaining = shut || debt >= burst ? 0 : (burst - debt) / token;
  decision.refill_microseconds = shut ? state.blocked_until - now : until_next_token(debt, token, burst);
  return decision;
}

void charge(BucketState& state, std::int64_t now, const Rate& rate, std::int64_t cost) noexcept {
  if (!rate.valid() || cost <= 0) return;
  now = std::clamp<std::int64_t>(now, 0, end_of_time);
  const std::int64_t token = rate.token_microseconds();
  const std::int64_t most = most_owed(token * rate.quota);
  const std::int64_t debt = std::clamp<std::int64_t>(std::max<std::int64_t>(state.full_at, 0) - now, 0, most);
  state.full_at = now + std::min(debt + token * std::min(cost, 2 * rate.quota), most);
}

std::int64_t forgotten_at(const BucketState& state, const Rate& rate) noexcept {
  const std::int64_t held_against = std::max<std::int64_t>(state.level - 1, 0) * rate.burst_microseconds();
  return std::max(state.full_at, state.blocked_until + held_against);
}

}  // namespace tenon::safeguards
