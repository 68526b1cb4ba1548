// Where a node's limits are counted: in its memory, or with --redis-url in a Redis that all nodes share.
#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "redis/client.hpp"
#include "safeguards/rate_limit/falling_back_store.hpp"
#include "service/metrics.hpp"

namespace tenon {

struct SharedLimitsOptions {
  std::string redis_url;  // empty: counted in memory
  std::string redis_ca;   // PEM; empty: the system's
  std::size_t budget_milliseconds = 5;
  std::size_t lease_from = 1'000;
  std::size_t nodes = 1;
};

// Throws std::runtime_error with what is wrong with them; without the password.
[[nodiscard]] std::optional<redis::ClientSettings> client_settings(const SharedLimitsOptions& options);

class SharedLimits {
 public:
  using NowFunction = safeguards::Availability::NowFunction;
  // Throws as client_settings(). Contexts and log outlive it.
  SharedLimits(const SharedLimitsOptions& options, const std::vector<boost::asio::io_context*>& contexts,
               NowFunction now_microseconds, Logger& log);

  [[nodiscard]] safeguards::BucketStore& store() noexcept;
  void start();
  // Returns when Redis is there, or after limits::redis_connect_deadline: a node serves without it.
  [[nodiscard]] boost::asio::awaitable<void> ready();
  void stop();
  void watch(service::Metrics& metrics);

 private:
  safeguards::MemoryBucketStore memory_;
  std::optional<redis::Client> client_;
  std::optional<safeguards::FallingBackStore> shared_;
};

}  // namespace tenon
