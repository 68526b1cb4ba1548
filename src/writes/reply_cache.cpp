#include "writes/reply_cache.hpp"

#include <utility>

namespace tenon::writes {

ReplyCache::ReplyCache(std::size_t bytes_max) : shard_bytes_max_(bytes_max / shard_count) {
  constexpr std::size_t heads_at_first = 64;
  for (auto& shard : shards_) {
    shard = std::make_unique<Shard>();
    shard->heads.resize(heads_at_first);
  }
}

std::size_t ReplyCache::cost_of(const Reply& reply) noexcept {
  constexpr std::size_t heads = 2 * sizeof(std::uint64_t);  // two for each that is kept, at most
  return sizeof(Kept) + sizeof(Reply) + heads + reply.body.capacity() + reply.location.capacity();
}

void ReplyCache::drop_oldest(Shard& shard) {
  shard.bytes -= cost_of(*shard.by_age.front().reply);
  shard.by_age.pop_front();
  ++shard.oldest;
}

void ReplyCache::add_heads(Shard& shard) const {
  shard.heads.assign(shard.heads.size() * 2, 0);
  std::uint64_t number = shard.oldest;
  for (Kept& kept : shard.by_age) kept.before = std::exchange(head_of(shard, kept.claim), number++);
}

ReplyCache::Kept* ReplyCache::find_in(Shard& shard, const Uuid& claim) const noexcept {
  for (std::uint64_t number = head_of(shard, claim); number >= shard.oldest;) {
    Kept& kept = shard.by_age[number - shard.oldest];
    if (kept.claim == claim) return &kept;
    number = kept.before;
  }
  return nullptr;
}

void ReplyCache::keep(const Uuid& claim, const Digest& fingerprint, const Reply& reply) {
  if (!reply.known_until || reply.origin == Reply::Origin::reused || !is_stored(reply)) return;
  auto answer = std::make_shared<Reply>(reply);
  answer->origin = Reply::Origin::replayed;
  const std::size_t cost = cost_of(*answer);
  if (cost > shard_bytes_max_) return;

  Shard& shard = shard_of(claim);
  const std::lock_guard lock(shard.mutex);
  if (Kept* const known = find_in(shard, claim)) {
    shard.bytes -= cost_of(*known->reply);
    known->fingerprint = fingerprint;
    known->reply = std::move(answer);
  } else {
    if (shard.by_age.size() == shard.heads.size()) add_heads(shard);
    std::uint64_t& head = head_of(shard, claim);
    // The head names it only once it is there: without memory the queue throws.
    shard.by_age.push_back({.claim = claim, .before = head, .fingerprint = fingerprint, .reply = std::move(answer)});
    head = shard.oldest + shard.by_age.size() - 1;
  }
  shard.bytes += cost;
  while (shard.bytes > shard_bytes_max_) drop_oldest(shard);
}

const ReplyCache::Kept* ReplyCache::look_up(Shard& shard, const Uuid& claim, Monotonic now) const noexcept {
  const Kept* const kept = find_in(shard, claim);
  return kept == nullptr || *kept->reply->known_until <= now ? nullptr : kept;
}

std::optional<Reply> ReplyCache::find(const Uuid& claim, const Digest& fingerprint, Monotonic now) {
  if (shard_bytes_max_ == 0) return std::nullopt;
  std::shared_ptr<const Reply> reply;
  {
    Shard& shard = shard_of(claim);
    const std::lock_guard lock(shard.mutex);
    const Kept* kept = look_up(shard, claim, now);
    if (kept == nullptr) return std::nullopt;
    if (kept->fingerprint != fingerprint) return Reply{.origin = Reply::Origin::reused};
    reply = kept->reply;
  }
  return *reply;
}

bool ReplyCache::knows(const Uuid& claim, Monotonic now) {
  Shard& shard = shard_of(claim);
  const std::lock_guard lock(shard.mutex);
  return look_up(shard, claim, now) != nullptr;
}

std::size_t ReplyCache::bytes() const {
  std::size_t sum = 0;
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    sum += shard->bytes;
  }
  return sum;
}

}  // namespace tenon::writes
