// Limits that hold across nodes: counted in Redis, and in this node's memory whenever Redis does not answer in time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "safeguards/rate_limit/availability.hpp"
#include "safeguards/rate_limit/store.hpp"

namespace tenon::safeguards {

// What a store has done since its start.
struct SharedLimitsCounts {
  std::uint64_t by_redis = 0;   // buckets decided by Redis
  std::uint64_t by_lease = 0;   // by tokens that this node had taken before
  std::uint64_t by_memory = 0;  // while Redis did not answer
  std::uint64_t calls = 0;      // of Redis: decisions, renewals of leases, charges
  std::uint64_t failures = 0;   // of these
  std::uint64_t losses = 0;     // how often Redis was lost
  std::int64_t nodes = 1;       // nodes last seen alive
  bool shared = false;          // every thread counts in Redis now
};

// Each thread by itself asks Redis no more after a few failures in a row, and a probe of its own, not a request, finds
// out that it is back. A request whose call fails is decided from memory at once. `memory` learns from every answer of
// Redis, so that it starts from the last known levels; and what it knows goes back to a Redis that was away, which may
// have lost it.
//
// Asked on the contexts' threads, one each; elsewhere everything is decided from memory. All arguments outlive the
// store. After stop() and the contexts' end it may be destroyed.
class FallingBackStore final : public BucketStore {
 public:
  // `now_microseconds`: the clock of `memory`.
  FallingBackStore(const std::vector<boost::asio::io_context*>& contexts, redis::Client& client,
                   MemoryBucketStore& memory, Availability::NowFunction now_microseconds,
                   const SharedLimitsSettings& settings, Logger& log);
  ~FallingBackStore() override;

  void start();  // with the client's
  void stop();   // from any thread; the contexts then run out of work of this store
  // Until Redis is there (true) or the deadline, which is logged. Before that everything is decided from memory.
  [[nodiscard]] boost::asio::awaitable<bool> ready(Monotonic deadline);

  bool take_now(std::span<const BucketRequest> requests, std::span<BucketDecision> decisions) override;
  boost::asio::awaitable<void> take(std::span<const BucketRequest> requests,
                                    std::span<BucketDecision> decisions) override;
  void charge(const BucketRequest& request) override;
  std::string_view trouble() const override;

  [[nodiscard]] SharedLimitsCounts counts() const noexcept;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tenon::safeguards
