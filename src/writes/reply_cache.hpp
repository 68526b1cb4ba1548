// Stored answers that this node was told, for as long as the database would repeat them: a replay that comes back to
// the node which ran the write costs no transaction.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/keyed_hash.hpp"
#include "writes/reply.hpp"

namespace tenon::writes {

// For any thread. Only repeats what the database said it keeps, and forgets it no later than the database does
// (Reply::known_until); what it does not know, or no longer, is the database's to answer. Bounded: the oldest go first.
class ReplyCache {
 public:
  // `bytes_max`: of answers, keys and what holds them, roughly. 0: keeps nothing.
  explicit ReplyCache(std::size_t bytes_max);

  // Keeps a stored answer; one without known_until is not kept.
  void keep(const Uuid& claim, const Digest& fingerprint, const Reply& reply);

  // The answer as a replay; of origin `reused`, and nothing else told, when it was given to another payload.
  [[nodiscard]] std::optional<Reply> find(const Uuid& claim, const Digest& fingerprint, Monotonic now);
  [[nodiscard]] bool knows(const Uuid& claim, Monotonic now);

  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Kept {
    Digest fingerprint;
    std::shared_ptr<const Reply> reply;
  };
  struct Hash {
    const KeyedHash* keyed;
    std::size_t operator()(const Uuid& claim) const noexcept { return (*keyed)(as_text(claim.bytes)); }
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<Uuid, Kept, Hash> kept;
    std::deque<Uuid> by_age;  // each of `kept` once, the oldest first
    std::size_t bytes = 0;
  };
  static constexpr std::size_t shard_count = 16;

  static std::size_t cost_of(const Reply& reply) noexcept;
  static void drop_oldest(Shard& shard);
  // Null: unknown, or not for sure any more.
  static const Kept* look_up(const Shard& shard, const Uuid& claim, Monotonic now);
  [[nodiscard]] Shard& shard_of(const Uuid& claim) { return *shards_[claim.bytes[0] % shard_count]; }

  std::size_t shard_bytes_max_;
  KeyedHash hash_;
  std::array<std::unique_ptr<Shard>, shard_count> shards_;
};

}  // namespace tenon::writes
