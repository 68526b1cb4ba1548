#include "safeguards/rate_limit/leases.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace tenon::safeguards {
namespace {

constexpr std::int64_t lifetime_max = 100'000;
constexpr std::int64_t parts_of_a_lifetime = 8;
constexpr std::int64_t smallest_block_worth_it = 8;
constexpr std::int64_t forgotten_after = 1'000'000;  // who asked so long ago has no answer, or no need, any more

}  // namespace

LeaseTerms lease_terms(const Rate& rate, std::int64_t tokens_per_second_min) noexcept {
  if (tokens_per_second_min <= 0 || !rate.valid()) return {};
  const std::int64_t token = rate.token_microseconds();
  const std::int64_t lifetime = std::min(lifetime_max, rate.burst_microseconds() / 20);
  const std::int64_t tokens = lifetime / token;
  if (token * tokens_per_second_min > 1'000'000 || tokens < smallest_block_worth_it) return {};
  return {.lifetime_microseconds = tokens * token, .tokens_max = tokens};
}

Rate leased_rate(const Rate& rate, const LeaseTerms& terms) noexcept {
  const std::int64_t quota = rate.quota - terms.tokens_max;
  return {.quota = quota, .window_microseconds = rate.token_microseconds() * quota};
}

std::uint64_t Leases::tag_of(std::string_view policy, std::string_view subject) const noexcept {
  // Each half by itself, so that ("a", "bc") and ("ab", "c") are different.
  return hash_(policy) * 0x9E37'79B9'7F4A'7C15 + hash_(subject);
}

void Leases::Lease::advance(std::int64_t now) noexcept {
  if (now >= current.ends_at || current.tokens <= 0) current = std::exchange(next, {});
  if (now >= current.ends_at) current = {};
}

Leases::Lease* Leases::find_or_add(Shard& shard, std::uint64_t tag, std::int64_t now) {
  const auto known = shard.leases.find(tag);
  if (known != shard.leases.end()) return &known->second;
  if (shard.leases.size() >= leases_per_shard_max_) {
    std::erase_if(shard.leases, [now](const auto& entry) { return entry.second.asked_at + forgotten_after < now; });
    if (shard.leases.size() >= leases_per_shard_max_) return nullptr;
  }
  return &shard.leases[tag];
}

Leases::Taken Leases::take(std::string_view policy, std::string_view subject, std::int64_t cost, std::int64_t now) {
  const std::uint64_t tag = tag_of(policy, subject);
  Shard& shard = shard_of(tag);
  const std::lock_guard lock(shard.mutex);
  const auto known = shard.leases.find(tag);
  if (known == shard.leases.end() || cost < 1) return {};
  Lease& lease = known->second;
  lease.advance(now);
  if (lease.current.tokens < cost) {
    if (now >= lease.refused_until) return {};
    return {.refused_for = lease.told_until - now, .penalized = lease.penalized};
  }
  lease.current.tokens -= cost;
  lease.used += cost;
  const std::int64_t left = lease.current.tokens + lease.next.tokens;
  return {.taken = true,
          .renew = left <= lease.asked_for / 2 && !lease.asking,
          .left = left,
          .ends_at = lease.current.ends_at};
}

void Leases::give_back(std::string_view policy, std::string_view subject, std::int64_t cost, const Taken& taken) {
  const std::uint64_t tag = tag_of(policy, subject);
  Shard& shard = shard_of(tag);
  const std::lock_guard lock(shard.mutex);
  const auto known = shard.leases.find(tag);
  if (known == shard.leases.end()) return;
  Lease& lease = known->second;
  lease.used = std::max<std::int64_t>(0, lease.used - cost);  // it may have been asked for more meanwhile
  // Into another block they would live longer than they may.
  if (lease.current.ends_at == taken.ends_at) lease.current.tokens += cost;
}

std::int64_t Leases::ask(std::string_view policy, std::string_view subject, const LeaseTerms& terms, std::int64_t now) {
  const std::uint64_t tag = tag_of(policy, subject);
  Shard& shard = shard_of(tag);
  const std::lock_guard lock(shard.mutex);
  Lease* const lease = find_or_add(shard, tag, now);
  if (lease == nullptr) return 0;
  lease->used += 1;  // what is needed now
  const std::int64_t since = std::max<std::int64_t>(1, now - lease->asked_at);
  if (lease->asking && since < forgotten_after) return 0;
  const std::int64_t in_a_lifetime = std::min(lease->used, terms.tokens_max) * terms.lifetime_microseconds / since;
  lease->asked_for = std::min({in_a_lifetime, 2 * lease->asked_for + 2, terms.tokens_max});
  lease->asked_at = now;
  lease->used = 0;
  lease->asking = lease->asked_for > 0;
  return lease->asked_for;
}

void Leases::grant(std::string_view policy, std::string_view subject, const LeaseTerms& terms, std::int64_t tokens,
                   std::int64_t asked_at) {
  const std::uint64_t tag = tag_of(policy, subject);
  Shard& shard = shard_of(tag);
  const std::lock_guard lock(shard.mutex);
  const auto known = shard.leases.find(tag);
  if (known == shard.leases.end()) return;
  Lease& lease = known->second;
  lease.asking = false;
  if (tokens <= 0) return;
  lease.advance(asked_at);
  Block& block = lease.current.tokens <= 0 ? lease.current : lease.next;
  const std::int64_t ends_at = asked_at + terms.lifetime_microseconds;
  // Beside tokens that are there already: what ends first counts for all of them.
  block.ends_at = block.tokens > 0 ? std::min(block.ends_at, ends_at) : ends_at;
  block.tokens += tokens;
}

void Leases::heed(std::string_view policy, std::string_view subject, const LeaseTerms& terms,
                  const BucketDecision& decision, std::int64_t asked_at) {
  const std::uint64_t tag = tag_of(policy, subject);
  Shard& shard = shard_of(tag);
  const std::lock_guard lock(shard.mutex);
  const auto known = shard.leases.find(tag);
  if (known == shard.leases.end()) return;
  Lease& lease = known->second;
  const std::int64_t pause = terms.lifetime_microseconds / parts_of_a_lifetime;
  static_assert(lifetime_max / parts_of_a_lifetime < penalty_grace_microseconds,
                "who is refused here pushes unseen, which the grace forgives in the shared store as well");
  const std::int64_t wait = std::min(decision.retry_microseconds, std::numeric_limits<std::int64_t>::max() - asked_at);
  lease.refused_until = asked_at + (wait > 0 ? pause : 0);
  lease.told_until = std::max(lease.refused_until, asked_at + wait);
  lease.penalized = decision.penalized;
}

}  // namespace tenon::safeguards
