// Whether the shared store is there, thread by thread; how many nodes are; and who is told when that changes.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "redis/client.hpp"
#include "safeguards/rate_limit/gate.hpp"
#include "safeguards/rate_limit/redis_buckets.hpp"
#include "safeguards/rate_limit/share.hpp"

namespace tenon::safeguards {

struct SharedLimitsSettings {
  std::chrono::milliseconds budget{5};        // what a decision may wait for Redis
  std::int64_t lease_from = 1'000;            // limits of so many tokens a second are leased in blocks; 0: none
  std::int64_t nodes_least = 1;               // so many nodes there are at least, whatever Redis has seen
  std::size_t leases_max = 65'536;            // subjects
  int failures_to_shut = 3;                   // in a row, before a thread asks Redis no more
  std::chrono::milliseconds probe_pause{50};  // between looks whether it is back
  std::chrono::milliseconds heartbeat_pause{1'000};
};

// Each of the contexts, which have one thread each, has a gate and a coroutine that probes: with the heartbeat, which
// writes, so that a Redis that is full or read-only does not pass for a sound one. Requests never wait for a probe.
class Availability : public std::enable_shared_from_this<Availability> {
 public:
  using NowFunction = std::int64_t (*)();
  enum class Trouble : std::uint8_t { unreachable, slow, full, read_only, loading, broken };

  // What belongs to one context, touched by its thread alone.
  struct Here {
    Here(boost::asio::io_context& where, int failures_to_shut) : context(where), gate(failures_to_shut) {}
    boost::asio::io_context& context;
    Gate gate;
    // The probing coroutine's own, so that it goes with its context: who lets go of us last may outlive that.
    boost::asio::steady_timer* pause = nullptr;
    std::uint64_t connects = 0;
  };

  // The references outlive the coroutines.
  Availability(const std::vector<boost::asio::io_context*>& contexts, redis::Client& client, RedisBuckets& buckets,
               NowFunction now_microseconds, const SharedLimitsSettings& settings, Logger& log);

  void start();
  void stop();  // from any thread
  [[nodiscard]] boost::asio::awaitable<bool> ready(Monotonic deadline);

  [[nodiscard]] Here* here() noexcept;  // of the running thread; null: it runs none of the contexts
  void succeeded(Here& mine) noexcept { mine.gate.succeeded(); }
  void failed(Here& mine, Trouble what, std::string_view reason);
  // Since when Redis has been there without a break, as far as this thread knows.
  [[nodiscard]] std::int64_t since(Here& mine) noexcept;

  // From any thread.
  [[nodiscard]] std::int64_t nodes() const noexcept { return nodes_; }
  [[nodiscard]] bool everywhere() const noexcept { return open_gates_ == threads_.size(); }
  [[nodiscard]] std::uint64_t losses() const noexcept { return losses_; }
  [[nodiscard]] std::string_view trouble() const noexcept;

 private:
  static boost::asio::awaitable<void> watch(std::shared_ptr<Availability> self, Here& mine);
  boost::asio::awaitable<void> probe(Here& mine);
  void alive(Here& mine, std::int64_t nodes);
  void tell(bool lost, std::string_view reason);

  redis::Client& client_;
  RedisBuckets& buckets_;
  NowFunction now_;
  SharedLimitsSettings settings_;
  Logger& log_;
  std::string name_;  // of this node among the others
  std::vector<std::unique_ptr<Here>> threads_;
  std::atomic<bool> stopping_ = false;
  std::atomic<Trouble> trouble_ = Trouble::unreachable;
  std::atomic<std::size_t> open_gates_ = 0;
  std::atomic<std::int64_t> nodes_;
  std::atomic<std::uint64_t> losses_ = 0;
  std::mutex mutex_;  // guards what follows
  NodesSeen nodes_seen_;
  enum class Told : std::uint8_t { nothing, there, lost } told_ = Told::nothing;
};

// What a redis error reply, or an answer that is none of ours, stands for.
[[nodiscard]] Availability::Trouble trouble_of(std::string_view redis_error) noexcept;

}  // namespace tenon::safeguards
