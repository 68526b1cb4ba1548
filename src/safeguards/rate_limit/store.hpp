// Where buckets live. In memory here; a store shared over nodes implements the same face.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "safeguards/rate_limit/limit.hpp"

namespace tenon::safeguards {

struct BucketRequest {
  std::string_view policy = {};   // names the limit
  std::string_view subject = {};  // whom it counts
  Rate rate = {};
  Penalty penalty = {};
  std::int64_t cost = 1;
  StoreLoss on_store_loss = StoreLoss::share;
  bool shadow = false;  // its refusal stops nobody
};

class BucketStore {
 public:
  virtual ~BucketStore() = default;

  // All buckets of one request, in their order: decisions[i] answers requests[i], and the spans are of one length. Ends
  // at the first refusal that is not a shadow's: the buckets after it are not touched, and their decisions say so. What
  // those before it took stays taken.
  //
  // Decides now, without I/O, when the store can; false: nothing was touched, await take(). Spans and the texts they
  // name outlive the call.
  [[nodiscard]] virtual bool take_now(std::span<const BucketRequest> requests, std::span<BucketDecision> decisions) = 0;
  [[nodiscard]] virtual boost::asio::awaitable<void> take(std::span<const BucketRequest> requests,
                                                          std::span<BucketDecision> decisions) = 0;

  // Takes `request.cost` tokens whether they are there or not, down to one quota owed: what bad behaviour costs on top.
  // Returns at once; nobody hears of a failure.
  virtual void charge(const BucketRequest& request) = 0;

  // For /readyz: empty when it works as it should, else what is wrong. The text lives as long as the store.
  [[nodiscard]] virtual std::string_view trouble() const = 0;
};

// The decision that refuses the request; null when it is admitted.
[[nodiscard]] const BucketDecision* refusal_in(std::span<const BucketRequest> requests,
                                               std::span<const BucketDecision> decisions) noexcept;

// Buckets in this process, for any thread. Memory is fixed at construction: 40 bytes for each of `subjects_max`
// buckets, in sets of eight, found by a keyed hash. A set that is full gives up a bucket that is full again and has
// nothing held against it (forgetting it changes nothing); when there is none, the newcomers share one overflow bucket
// of the set, and who later finds room among the eight brings its debt along: a flood of subjects can make limits
// stricter, never looser. `now_microseconds` is the monotonic clock to use; it is called under a lock and must not
// block.
class MemoryBucketStore final : public BucketStore {
 public:
  using NowFunction = std::int64_t (*)();
  explicit MemoryBucketStore(std::size_t subjects_max, NowFunction now_microseconds);
  ~MemoryBucketStore() override;

  bool take_now(std::span<const BucketRequest> requests, std::span<BucketDecision> decisions) override;
  boost::asio::awaitable<void> take(std::span<const BucketRequest> requests,
                                    std::span<BucketDecision> decisions) override;
  void charge(const BucketRequest& request) override;
  std::string_view trouble() const override { return {}; }

  // For a store that keeps its buckets elsewhere, and here what it knows of them. Moments are of this store's clock.
  // What is known of a bucket that has a place of its own.
  [[nodiscard]] std::optional<BucketState> state_of(std::string_view policy, std::string_view subject) const;
  // Takes over what is told of a bucket by who knows better. Its tokens never become more than are known of here, as an
  // answer may have been overtaken by a later one. Where there is no room nothing happens. The rate is valid.
  void learn(std::string_view policy, std::string_view subject, const Rate& rate, const BucketState& told);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenon::safeguards
