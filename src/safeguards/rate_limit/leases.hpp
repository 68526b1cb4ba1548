// Blocks of tokens that a node has taken from the shared store ahead of need, so that most decisions of a big limit
// cost no round trip.
//
// A token is in the shared store or in one node's lease, never in both: what a dead node held is lost until it flows in
// again. A lease ends `lifetime` after it was asked for, and the shared bucket is made smaller by what flows in during
// that time; so the sum over all nodes stays within quota + rate x t in every window, also in one that begins with
// leases in the nodes' hands.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "base/keyed_hash.hpp"
#include "safeguards/rate_limit/bucket.hpp"

namespace tenon::safeguards {

// How a rate is leased. Pure.
struct LeaseTerms {
  std::int64_t lifetime_microseconds = 0;  // 0: it is not leased
  std::int64_t tokens_max = 0;             // of one block; also what the shared bucket is made smaller by
  [[nodiscard]] bool leased() const noexcept { return lifetime_microseconds > 0; }
};
// Leased are rates of at least `tokens_per_second_min` (0: none), when a block of eight tokens is there in the
// twentieth part of the bucket's time, 100 ms at most.
[[nodiscard]] LeaseTerms lease_terms(const Rate& rate, std::int64_t tokens_per_second_min) noexcept;
// The rate with which the shared bucket is asked.
[[nodiscard]] Rate leased_rate(const Rate& rate, const LeaseTerms& terms) noexcept;

// For any thread. Times are microseconds of one monotonic clock.
class Leases {
 public:
  explicit Leases(std::size_t leases_max) : leases_per_shard_max_(leases_max / shard_count + 1) {}

  struct Taken {
    bool taken = false;
    // Above 0: the shared store refused a moment ago, and is not asked again so soon. What is left of the wait it told.
    std::int64_t refused_for = 0;
    bool penalized = false;  // as it said then
    bool renew = false;      // half of the block is used: ask() for the next one
    std::int64_t left = 0;
    std::int64_t ends_at = 0;  // of the tokens taken
  };
  [[nodiscard]] Taken take(std::string_view policy, std::string_view subject, std::int64_t cost, std::int64_t now);
  // What was taken and not used after all. Lost when its lease has ended or was used up meanwhile.
  void give_back(std::string_view policy, std::string_view subject, std::int64_t cost, const Taken& taken);

  // A token is needed and none is there, or soon: how many more to ask for, as many as were lately used in a lifetime.
  // 0: none, as there is little use, or somebody asks already. Else grant() must follow, whatever was answered.
  [[nodiscard]] std::int64_t ask(std::string_view policy, std::string_view subject, const LeaseTerms& terms,
                                 std::int64_t now);
  // The answer, 0 when there were none. `asked_at`: a moment before they were asked for, from which on their lifetime
  // counts.
  void grant(std::string_view policy, std::string_view subject, const LeaseTerms& terms, std::int64_t tokens,
             std::int64_t asked_at);
  // What the shared store decided. Where it refused, nobody asks it again for a small part of a lease's lifetime, so
  // that a limit that is used up costs few calls too: they are told the wait that it told.
  void heed(std::string_view policy, std::string_view subject, const LeaseTerms& terms, const BucketDecision& decision,
            std::int64_t asked_at);

 private:
  struct Block {
    std::int64_t tokens = 0;
    std::int64_t ends_at = 0;
  };
  struct Lease {
    Block current = {};
    Block next = {};  // used when the current one has ended, or is used up
    std::int64_t asked_at = 0;
    std::int64_t asked_for = 0;
    std::int64_t used = 0;  // tokens since then
    std::int64_t refused_until = 0;
    std::int64_t told_until = 0;  // what the refused one was told; never before refused_until
    bool penalized = false;
    bool asking = false;

    void advance(std::int64_t now) noexcept;
  };
  struct SameHash {  // what it is keyed with is a keyed hash already
    std::size_t operator()(std::uint64_t tag) const noexcept { return tag; }
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, Lease, SameHash> leases;
  };
  static constexpr std::size_t shard_count = 16;

  [[nodiscard]] std::uint64_t tag_of(std::string_view policy, std::string_view subject) const noexcept;
  [[nodiscard]] Shard& shard_of(std::uint64_t tag) noexcept { return shards_[tag % shard_count]; }
  // Null: there is no room for another one.
  [[nodiscard]] Lease* find_or_add(Shard& shard, std::uint64_t tag, std::int64_t now);

  std::size_t leases_per_shard_max_;
  KeyedHash hash_;
  std::array<Shard, shard_count> shards_;
};

}  // namespace tenon::safeguards
