#include "node/shared_limits.hpp"

#include <stdexcept>
#include <tuple>

#include "base/limits.hpp"

namespace tenon {

std::optional<redis::ClientSettings> client_settings(const SharedLimitsOptions& options) {
  if (options.redis_url.empty()) {
    if (!options.redis_ca.empty()) throw std::runtime_error("--redis-ca is of use with --redis-url rediss://... only");
    return std::nullopt;
  }
  auto address = redis::parse_address(options.redis_url);
  if (!address) throw std::runtime_error("--redis-url: " + address.error());
  if (!options.redis_ca.empty() && address->transport != redis::Address::Transport::tls) {
    throw std::runtime_error("--redis-ca is of use with --redis-url rediss://... only");
  }
  return redis::ClientSettings{.address = std::move(*address), .ca_file = options.redis_ca};
}

SharedLimits::SharedLimits(const SharedLimitsOptions& options, const std::vector<boost::asio::io_context*>& contexts,
                           NowFunction now_microseconds, Logger& log)
    : memory_(limits::limited_subjects_max, now_microseconds) {
  auto settings = client_settings(options);
  if (!settings) return;
  client_.emplace(contexts, std::move(*settings));
  shared_.emplace(contexts, *client_, memory_, now_microseconds,
                  safeguards::SharedLimitsSettings{.budget = std::chrono::milliseconds(options.budget_milliseconds),
                                                   .lease_from = static_cast<std::int64_t>(options.lease_from),
                                                   .nodes_least = static_cast<std::int64_t>(options.nodes)},
                  log);
}

safeguards::BucketStore& SharedLimits::store() noexcept {
  if (shared_) return *shared_;
  return memory_;
}

void SharedLimits::start() {
  if (!shared_) return;
  client_->start();
  shared_->start();
}

boost::asio::awaitable<void> SharedLimits::ready() {
  if (shared_) std::ignore = co_await shared_->ready(monotonic_now() + limits::redis_connect_deadline);
}

void SharedLimits::stop() {
  if (!shared_) return;
  shared_->stop();
  client_->stop();
}

void SharedLimits::watch(service::Metrics& metrics) {
  if (!shared_) return;
  const auto counts = [this] { return shared_->counts(); };
  metrics.watch("tenon_limits_shared", "1 while limits are counted in Redis, 0 while this node counts alone.",
                [counts] { return counts().shared ? 1.0 : 0.0; });
  metrics.watch("tenon_limits_nodes", "Nodes last seen alive.",
                [counts] { return static_cast<double>(counts().nodes); });
  const auto total = [&](std::string_view name, std::string_view help,
                         std::uint64_t safeguards::SharedLimitsCounts::* which, std::string_view by = {}) {
    metrics.watch_total(name, help, by, [counts, which] { return static_cast<double>(counts().*which); });
  };
  using Counts = safeguards::SharedLimitsCounts;
  constexpr std::string_view decisions = "tenon_limits_decisions_total";
  constexpr std::string_view by_whom = "Buckets decided, by Redis, by lease or by this node's memory.";
  total(decisions, by_whom, &Counts::by_redis, "redis");
  total(decisions, by_whom, &Counts::by_lease, "lease");
  total(decisions, by_whom, &Counts::by_memory, "memory");
  total("tenon_limits_calls_total", "Calls of Redis for limits.", &Counts::calls);
  total("tenon_limits_call_failures_total", "Calls of Redis that did not decide in time.", &Counts::failures);
  total("tenon_limits_losses_total", "How often Redis was lost.", &Counts::losses);
}

}  // namespace tenon
