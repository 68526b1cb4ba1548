#include "writes/reply_cache.hpp"

namespace tenon::writes {

ReplyCache::ReplyCache(std::size_t bytes_max) : shard_bytes_max_(bytes_max / shard_count) {
  for (auto& shard : shards_) {
    shard = std::make_unique<Shard>();
    shard->kept = std::unordered_map<Uuid, Kept, Hash>(0, Hash{&hash_});
  }
}

std::size_t ReplyCache::cost_of(const Reply& reply) noexcept {
  constexpr std::size_t nodes = 64;  // of the map and the queue, and their share of the table
  return sizeof(Kept) + 2 * sizeof(Uuid) + sizeof(Reply) + nodes + reply.body.capacity() + reply.location.capacity();
}

void ReplyCache::drop_oldest(Shard& shard) {
  const auto oldest = shard.kept.find(shard.by_age.front());
  shard.bytes -= cost_of(*oldest->second.reply);
  shard.kept.erase(oldest);
  shard.by_age.pop_front();
}

void ReplyCache::keep(const Uuid& claim, const Digest& fingerprint, const Reply& reply) {
  if (!reply.known_until || reply.origin == Reply::Origin::reused || !is_stored(reply)) return;
  auto kept = std::make_shared<Reply>(reply);
  kept->origin = Reply::Origin::replayed;
  const std::size_t cost = cost_of(*kept);
  if (cost > shard_bytes_max_) return;

  Shard& shard = shard_of(claim);
  const std::lock_guard lock(shard.mutex);
  const auto [place, is_new] = shard.kept.try_emplace(claim);
  if (is_new) {
    shard.by_age.push_back(claim);
  } else {
    shard.bytes -= cost_of(*place->second.reply);
  }
  place->second = {.fingerprint = fingerprint, .reply = std::move(kept)};
  shard.bytes += cost;
  while (shard.bytes > shard_bytes_max_) drop_oldest(shard);
}

const ReplyCache::Kept* ReplyCache::look_up(const Shard& shard, const Uuid& claim, Monotonic now) {
  const auto found = shard.kept.find(claim);
  return found == shard.kept.end() || *found->second.reply->known_until <= now ? nullptr : &found->second;
}

std::optional<Reply> ReplyCache::find(const Uuid& claim, const Digest& fingerprint, Monotonic now) {
  if (shard_bytes_max_ == 0) return std::nullopt;
  std::shared_ptr<const Reply> reply;
  {
    const Shard& shard = shard_of(claim);
    const std::lock_guard lock(shard.mutex);
    const Kept* kept = look_up(shard, claim, now);
    if (kept == nullptr) return std::nullopt;
    if (kept->fingerprint != fingerprint) return Reply{.origin = Reply::Origin::reused};
    reply = kept->reply;
  }
  return *reply;
}

bool ReplyCache::knows(const Uuid& claim, Monotonic now) {
  const Shard& shard = shard_of(claim);
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
