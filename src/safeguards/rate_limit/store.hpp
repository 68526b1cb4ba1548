// Where buckets live. In memory here; a store shared over nodes implements the same face.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "safeguards/rate_limit/bucket.hpp"

namespace tenon::safeguards {

struct BucketRequest {
  std::string_view policy;   // names the limit
  std::string_view subject;  // whom it counts
  Rate rate;
  std::int64_t cost = 1;
};

class BucketStore {
 public:
  virtual ~BucketStore() = default;

  // Decides now, without I/O, when the store can; false: await take().
  [[nodiscard]] virtual bool take_now(const BucketRequest& request, BucketDecision& decision) = 0;
  [[nodiscard]] virtual boost::asio::awaitable<BucketDecision> take(BucketRequest request) = 0;

  // For /readyz: empty when it works as it should, else what is wrong.
  [[nodiscard]] virtual std::string_view trouble() const = 0;
};

// Buckets in this process, for any thread. Memory is fixed at construction: `subjects_max` buckets of 16 bytes in sets
// of eight, found by a keyed hash. A set that is full gives up a bucket that has refilled (forgetting it changes
// nothing); when none has, the newcomers share one overflow bucket of the set, and who later finds room among the eight
// brings its debt along: a flood of subjects can make limits stricter, never looser. `now_nanoseconds` is the monotonic
// clock to use; it is called under a lock and must not block.
class MemoryBucketStore final : public BucketStore {
 public:
  using NowFunction = std::int64_t (*)();
  explicit MemoryBucketStore(std::size_t subjects_max, NowFunction now_nanoseconds);
  ~MemoryBucketStore() override;

  bool take_now(const BucketRequest& request, BucketDecision& decision) override;
  boost::asio::awaitable<BucketDecision> take(BucketRequest request) override;
  std::string_view trouble() const override { return {}; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenon::safeguards
