// What one node may admit while nobody counts for all of them.
#pragma once

#include <cstdint>

#include "safeguards/rate_limit/store.hpp"

namespace tenon::safeguards {

// The request as one of `nodes` nodes decides it alone: tokens come `nodes` times as slowly, and a bucket holds
// quota/nodes of them, rounded down but at least one. Microseconds of debt mean the same to both rates, so one and the
// same bucket can go from one to the other and back.
[[nodiscard]] BucketRequest share_of(const BucketRequest& request, std::int64_t nodes) noexcept;

// How many nodes there are, as told again and again. A count that falls is believed after a while only: a Redis that
// has just come back empty knows one node after the other, and each of them must not think that it is alone.
class NodesSeen {
 public:
  static constexpr std::int64_t memory_microseconds = 15'000'000;

  explicit NodesSeen(std::int64_t least) noexcept : least_(least) {}
  void observe(std::int64_t count, std::int64_t now) noexcept;
  [[nodiscard]] std::int64_t count() const noexcept;

 private:
  std::int64_t least_;
  std::int64_t before_ = 0;  // the most in the period before
  std::int64_t latest_ = 0;  // the most in this one
  std::int64_t period_began_ = 0;
};

}  // namespace tenon::safeguards
