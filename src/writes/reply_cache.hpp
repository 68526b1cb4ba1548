// Stored answers that this node was told, for as long as the database would repeat them: a replay that comes back to
// the node which ran the write costs no transaction.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "writes/claim_hash.hpp"
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
    Uuid claim;
    std::uint64_t before;  // the one kept before it whose claim has the same head
    Digest fingerprint;
    std::shared_ptr<const Reply> reply;
  };
  // A queue that is also a table. Everything kept has a number, counted up, and is linked to what was kept before it
  // under the same head; a link to a number that has left the queue is an end. So giving up the oldest touches nothing
  // but the oldest.
  struct Shard {
    mutable std::mutex mutex;
    std::vector<std::uint64_t> heads;  // the last number kept under each; a power of two of them
    std::deque<Kept> by_age;
    std::uint64_t oldest = 1;  // the number of by_age.front()
    std::size_t bytes = 0;
  };
  static constexpr std::size_t shard_count = 16;

  static std::size_t cost_of(const Reply& reply) noexcept;
  static void drop_oldest(Shard& shard);
  [[nodiscard]] std::uint64_t& head_of(Shard& shard, const Uuid& claim) const noexcept {
    return shard.heads[hash_(claim) & (shard.heads.size() - 1)];
  }
  void add_heads(Shard& shard) const;
  [[nodiscard]] Kept* find_in(Shard& shard, const Uuid& claim) const noexcept;  // null: unknown
  // Null: unknown, or not for sure any more.
  [[nodiscard]] const Kept* look_up(Shard& shard, const Uuid& claim, Monotonic now) const noexcept;
  [[nodiscard]] Shard& shard_of(const Uuid& claim) { return *shards_[claim.bytes[0] % shard_count]; }

  std::size_t shard_bytes_max_;
  ClaimHash hash_;
  std::array<std::unique_ptr<Shard>, shard_count> shards_;
};

}  // namespace tenon::writes
