#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/keyed_hash.hpp"
#include "base/zeroed_pages.hpp"
#include "safeguards/rate_limit/store.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tenon::safeguards {
namespace {

constexpr std::size_t ways = 8;

// Held for some ten nanoseconds, so it spins; it yields too, as its holder may have been taken off the processor.
class SpinLock {
 public:
  explicit SpinLock(std::uint8_t& word) noexcept : word_(word) {}
  void lock() noexcept {
    while (word_.exchange(1, std::memory_order_acquire) != 0) {
      for (int turn = 0; word_.load(std::memory_order_relaxed) != 0; ++turn)
        turn < 64 ? pause() : std::this_thread::yield();
    }
  }
  void unlock() noexcept { word_.store(0, std::memory_order_release); }

 private:
  static void pause() noexcept {
#if defined(__x86_64__)
    _mm_pause();
#endif
  }
  std::atomic_ref<std::uint8_t> word_;
};

// A BucketState in 24 bytes. When it may be forgotten depends on its rate too, which is not known to who looks for room
// in the set: so the burst's binary logarithm is kept, rounded up.
struct Kept {
  std::int64_t full_at;
  std::int64_t blocked_until;
  std::uint64_t refused_at : 52;
  std::uint64_t level : 6;
  std::uint64_t burst_log2 : 6;

  [[nodiscard]] BucketState state() const noexcept {
    return {.full_at = full_at,
            .blocked_until = blocked_until,
            .refused_at = static_cast<std::int64_t>(refused_at),
            .level = static_cast<std::int64_t>(level)};
  }
  void keep(const BucketState& state, const Rate& rate) noexcept {
    full_at = state.full_at;
    blocked_until = state.blocked_until;
    refused_at = static_cast<std::uint64_t>(state.refused_at) & ((std::uint64_t{1} << 52) - 1);
    level = static_cast<std::uint64_t>(std::min<std::int64_t>(state.level, 63)) & 63;
    burst_log2 = std::bit_width(static_cast<std::uint64_t>(rate.burst_microseconds() - 1)) & 63;
  }
  [[nodiscard]] std::int64_t forgotten_at() const noexcept {
    const std::int64_t held_against = level > 1 ? static_cast<std::int64_t>(level - 1) << burst_log2 : 0;
    return std::max(full_at, blocked_until + held_against);
  }
};
static_assert(sizeof(Kept) == 24);

// All zero: eight buckets that are nobody's.
struct alignas(64) Set {
  std::array<std::uint64_t, ways> tags;  // 0: nobody's
  std::array<Kept, ways> kept;
  std::int64_t overflow_full_at;
};
static_assert(sizeof(Set) == ways * 40 && std::is_trivial_v<Set>);

// Zeroed by the kernel as they are first used. The locks are apart: so many fit into a cache that taking one seldom
// costs a miss.
class Sets {
 public:
  explicit Sets(std::size_t count) : locks_(count), memory_(count * sizeof(Set)) {}
  // The tag's place among the sets without a division (Lemire's multiply-shift).
  [[nodiscard]] std::pair<Set&, std::uint8_t&> of(std::uint64_t tag) noexcept {
    __extension__ using Wide = unsigned __int128;
    const auto place = static_cast<std::size_t>(static_cast<Wide>(tag) * locks_.size() >> 64);
    return {static_cast<Set*>(memory_.begin())[place], locks_[place]};
  }

 private:
  std::vector<std::uint8_t> locks_;
  ZeroedPages memory_;
};

[[nodiscard]] std::size_t way_of(const Set& set, std::uint64_t tag) noexcept {
  for (std::size_t way = 0; way < ways; ++way) {
    if (set.tags[way] == tag) return way;
  }
  return ways;
}

// A way that nobody will miss: never used, or as good as new, which is what a newcomer's bucket is anyway.
[[nodiscard]] std::size_t way_to_give_up(const Set& set, std::int64_t now) noexcept {
  std::size_t best = ways;
  std::int64_t best_at = 0;
  for (std::size_t way = 0; way < ways; ++way) {
    if (set.tags[way] == 0) return way;
    const std::int64_t at = set.kept[way].forgotten_at();
    if (at > now || (best != ways && at >= best_at)) continue;
    best = way;
    best_at = at;
  }
  return best;
}

// A newcomer's bucket. What it took from the overflow bucket before is not known apart from what the others took: it is
// charged with all of it, but no more than empties a bucket of its own.
[[nodiscard]] BucketState newcomer(const Set& set, const Rate& rate, std::int64_t now) noexcept {
  if (set.overflow_full_at <= now) return {};
  return {.full_at = now + std::min(set.overflow_full_at - now, rate.burst_microseconds())};
}

// `work` moves the bucket of `tag`, a newcomer's or the shared one if need be; returns what it returns.
template <class Work>
auto with_bucket(Set& set, std::uint64_t tag, const BucketRequest& request, std::int64_t now, const Work& work) {
  if (const std::size_t way = way_of(set, tag); way < ways) {
    BucketState state = set.kept[way].state();
    const auto result = work(state, request.penalty);
    set.kept[way].keep(state, request.rate);
    return result;
  }
  const std::size_t way = way_to_give_up(set, now);
  if (way == ways) {
    // Shared by whoever finds no room, whatever the policy: each token taken there holds back all of them, and nobody
    // can take more from it than its own rate allows. Without penalties: one who pushes would bring them on the others.
    BucketState shared{.full_at = set.overflow_full_at};
    const auto result = work(shared, Penalty{});
    set.overflow_full_at = std::max(set.overflow_full_at, shared.full_at);
    return result;
  }
  BucketState state = newcomer(set, request.rate, now);
  const auto result = work(state, request.penalty);
  if (state != BucketState{}) {
    set.tags[way] = tag;
    set.kept[way].keep(state, request.rate);
  }
  return result;
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

const BucketDecision* refusal_in(std::span<const BucketRequest> requests,
                                 std::span<const BucketDecision> decisions) noexcept {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (decisions[i].decided && !decisions[i].admitted && !requests[i].shadow) return &decisions[i];
  }
  return nullptr;
}

struct MemoryBucketStore::Impl {
  Impl(std::size_t set_count, NowFunction now_microseconds) : now(now_microseconds), sets(set_count) {}

  NowFunction now;
  KeyedHash hash;
  Sets sets;

  // The clock is read under the lock: with an older time than the set has seen, a bucket given up as refilled would not
  // have been so.
  template <class Work>
  auto in_set(const BucketRequest& request, const Work& work) {
    const std::uint64_t tag = tag_of(hash, request.policy, request.subject);
    const auto [set, word] = sets.of(tag);
    SpinLock lock(word);
    const std::lock_guard guard(lock);
    const std::int64_t moment = now();
    return with_bucket(set, tag, request, moment,
                       [&](BucketState& state, const Penalty& penalty) { return work(state, moment, penalty); });
  }

  [[nodiscard]] BucketDecision take(const BucketRequest& request) {
    if (!request.rate.valid()) {
      BucketState nobodys;
      return safeguards::take(nobodys, 0, request.rate);
    }
    return in_set(request, [&](BucketState& state, std::int64_t moment, const Penalty& penalty) {
      return safeguards::take(state, moment, request.rate, penalty, request.cost);
    });
  }
};

MemoryBucketStore::MemoryBucketStore(std::size_t subjects_max, NowFunction now_microseconds)
    : impl_(std::make_unique<Impl>(std::max<std::size_t>(1, (subjects_max + ways - 1) / ways), now_microseconds)) {}

MemoryBucketStore::~MemoryBucketStore() = default;

bool MemoryBucketStore::take_now(std::span<const BucketRequest> requests, std::span<BucketDecision> decisions) {
  bool refused = false;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    decisions[i] = refused ? BucketDecision{} : impl_->take(requests[i]);
    refused = refused || (!decisions[i].admitted && !requests[i].shadow);
  }
  return true;
}

boost::asio::awaitable<void> MemoryBucketStore::take(std::span<const BucketRequest> requests,
                                                     std::span<BucketDecision> decisions) {
  std::ignore = take_now(requests, decisions);
  co_return;
}

void MemoryBucketStore::charge(const BucketRequest& request) {
  if (!request.rate.valid()) return;
  (void)impl_->in_set(request, [&](BucketState& state, std::int64_t moment, const Penalty&) {
    safeguards::charge(state, moment, request.rate, request.cost);
    return true;
  });
}

std::optional<BucketState> MemoryBucketStore::state_of(std::string_view policy, std::string_view subject) const {
  const std::uint64_t tag = tag_of(impl_->hash, policy, subject);
  const auto [set, word] = impl_->sets.of(tag);
  SpinLock lock(word);
  const std::lock_guard guard(lock);
  const std::size_t way = way_of(set, tag);
  if (way == ways) return std::nullopt;
  return set.kept[way].state();
}

void MemoryBucketStore::learn(std::string_view policy, std::string_view subject, const Rate& rate,
                              const BucketState& told) {
  const std::uint64_t tag = tag_of(impl_->hash, policy, subject);
  const auto [set, word] = impl_->sets.of(tag);
  SpinLock lock(word);
  const std::lock_guard guard(lock);
  const std::int64_t now = impl_->now();
  const std::size_t known = way_of(set, tag);
  const std::size_t way = known < ways ? known : way_to_give_up(set, now);
  if (way == ways) return;
  const BucketState before = known < ways ? set.kept[way].state() : newcomer(set, rate, now);
  set.tags[way] = tag;
  BucketState now_known = told;
  now_known.full_at = std::max(before.full_at, told.full_at);
  set.kept[way].keep(now_known, rate);
}

}  // namespace tenon::safeguards
