#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "base/keyed_hash.hpp"
#include "safeguards/rate_limit/store.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tenon::safeguards {
namespace {

constexpr std::size_t ways = 8;
constexpr std::int64_t full_since_ever = std::numeric_limits<std::int64_t>::min();

// Held for some ten nanoseconds, so it spins; it yields too, as its holder may have been taken off the processor.
class SpinLock {
 public:
  void lock() noexcept {
    while (taken_.exchange(true, std::memory_order_acquire)) {
      for (int turn = 0; taken_.load(std::memory_order_relaxed); ++turn)
        turn < 64 ? pause() : std::this_thread::yield();
    }
  }
  void unlock() noexcept { taken_.store(false, std::memory_order_release); }

 private:
  static void pause() noexcept {
#if defined(__x86_64__)
    _mm_pause();
#endif
  }
  std::atomic<bool> taken_{false};
};

struct Set {
  SpinLock lock;
  std::int64_t overflow_full_at = full_since_ever;
  std::array<std::uint64_t, ways> tags{};  // 0: nobody's
  std::array<std::int64_t, ways> full_at{};
};
static_assert(sizeof(Set) == ways * 16 + 16);

[[nodiscard]] std::size_t way_of(const Set& set, std::uint64_t tag) noexcept {
  for (std::size_t way = 0; way < ways; ++way) {
    if (set.tags[way] == tag) return way;
  }
  return ways;
}

// A way that nobody will miss: never used, or full again, which is what a newcomer's bucket is anyway.
[[nodiscard]] std::size_t way_to_give_up(const Set& set, std::int64_t now) noexcept {
  std::size_t best = ways;
  for (std::size_t way = 0; way < ways; ++way) {
    if (set.tags[way] == 0) return way;
    if (set.full_at[way] <= now && (best == ways || set.full_at[way] < set.full_at[best])) best = way;
  }
  return best;
}

[[nodiscard]] BucketDecision take_as_newcomer(Set& set, std::uint64_t tag, const BucketRequest& request,
                                              std::int64_t now) noexcept {
  const std::size_t way = way_to_give_up(set, now);
  // Shared by whoever finds no room, whatever the policy: each token taken there holds back all of them, and nobody can
  // take more from it than its own rate allows.
  if (way == ways) return take(set.overflow_full_at, now, request.rate, request.cost);

  // What the newcomer took from the overflow bucket before is not known apart from what the others took: it is charged
  // with all of it, but no more than empties a bucket of its own.
  const bool charged = set.overflow_full_at > now;
  std::int64_t full_at = full_since_ever;
  if (charged) full_at = now + std::min(set.overflow_full_at - now, request.rate.burst_nanoseconds());
  const BucketDecision decision = take(full_at, now, request.rate, request.cost);
  if (charged || decision.admitted) {
    set.tags[way] = tag;
    set.full_at[way] = full_at;
  }
  return decision;
}

// The policy's length goes first, so that ("a", "bc") and ("ab", "c") are different.
[[nodiscard]] std::uint64_t tag_of(const KeyedHash& hash, std::string_view policy, std::string_view subject) {
  const std::uint64_t length = policy.size();
  const std::size_t size = sizeof length + policy.size() + subject.size();
  const auto write = [&](char* out) {
    std::memcpy(out, &length, sizeof length);
    std::copy(policy.begin(), policy.end(), out + sizeof length);
    std::copy(subject.begin(), subject.end(), out + sizeof length + policy.size());
  };
  std::uint64_t tag = 0;
  if (std::array<char, 512> buffer; size <= buffer.size()) {
    write(buffer.data());
    tag = hash({buffer.data(), size});
  } else {
    std::string longer(size, '\0');
    write(longer.data());
    tag = hash(longer);
  }
  return tag == 0 ? 1 : tag;
}

}  // namespace

struct MemoryBucketStore::Impl {
  Impl(std::size_t set_count, NowFunction now_nanoseconds) : now(now_nanoseconds), sets(set_count) {}

  NowFunction now;
  KeyedHash hash;
  std::vector<Set> sets;

  // The tag's place among the sets without a division (Lemire's multiply-shift).
  [[nodiscard]] Set& set_of(std::uint64_t tag) noexcept {
    __extension__ using Wide = unsigned __int128;
    return sets[static_cast<std::size_t>(static_cast<Wide>(tag) * sets.size() >> 64)];
  }
};

MemoryBucketStore::MemoryBucketStore(std::size_t subjects_max, NowFunction now_nanoseconds)
    : impl_(std::make_unique<Impl>(std::max<std::size_t>(1, (subjects_max + ways - 1) / ways), now_nanoseconds)) {}

MemoryBucketStore::~MemoryBucketStore() = default;

bool MemoryBucketStore::take_now(const BucketRequest& request, BucketDecision& decision) {
  if (!request.rate.valid()) {
    std::int64_t nobodys = full_since_ever;
    decision = safeguards::take(nobodys, 0, request.rate, request.cost);
    return true;
  }
  const std::uint64_t tag = tag_of(impl_->hash, request.policy, request.subject);
  Set& set = impl_->set_of(tag);
  const std::lock_guard guard(set.lock);
  // Read under the lock: with an older time than the set has seen, a bucket given up as refilled would not have been
  // so.
  const std::int64_t now = impl_->now();
  const std::size_t way = way_of(set, tag);
  decision = way < ways ? safeguards::take(set.full_at[way], now, request.rate, request.cost)
                        : take_as_newcomer(set, tag, request, now);
  return true;
}

boost::asio::awaitable<BucketDecision> MemoryBucketStore::take(BucketRequest request) {
  BucketDecision decision;
  std::ignore = take_now(request, decision);
  co_return decision;
}

}  // namespace tenon::safeguards
