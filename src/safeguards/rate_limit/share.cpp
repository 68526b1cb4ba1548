#include "safeguards/rate_limit/share.hpp"

#include <algorithm>

namespace tenon::safeguards {
namespace {

constexpr std::int64_t nodes_max = 1'000;

}  // namespace

BucketRequest share_of(const BucketRequest& request, std::int64_t nodes) noexcept {
  nodes = std::clamp<std::int64_t>(nodes, 1, nodes_max);
  if (nodes == 1 || !request.rate.valid()) return request;
  BucketRequest share = request;
  share.rate.quota = std::max<std::int64_t>(1, request.rate.quota / nodes);
  share.rate.window_microseconds = request.rate.token_microseconds() * nodes * share.rate.quota;
  // What the whole bucket would give, its share must not refuse for ever.
  if (request.cost <= request.rate.quota) share.cost = std::min(request.cost, share.rate.quota);
  return share;
}

void NodesSeen::observe(std::int64_t count, std::int64_t now) noexcept {
  if (now - period_began_ >= memory_microseconds) {
    before_ = latest_;
    latest_ = 0;
    period_began_ = now;
  }
  latest_ = std::max(latest_, count);
}

std::int64_t NodesSeen::count() const noexcept { return std::max({least_, before_, latest_}); }

}  // namespace tenon::safeguards
