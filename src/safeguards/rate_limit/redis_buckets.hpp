// Buckets that all nodes share: one Lua script in Redis decides all of a request's buckets in one call.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "redis/client.hpp"
#include "safeguards/rate_limit/store.hpp"

namespace tenon::safeguards {

// What is asked of one shared bucket.
struct SharedRequest {
  BucketRequest bucket = {};
  std::int64_t more = 0;  // tokens to take along when the request is admitted and they are there: a lease
  bool charge = false;    // take bucket.cost whether it is there or not
  // What this node remembers of it, its moments counted from now: for a Redis that may have lost it. Never lowers what
  // Redis knows.
  bool remembers = false;
  BucketState remembered = {};
};

struct SharedDecision {
  BucketDecision decision = {};
  std::int64_t more = 0;   // tokens taken along
  BucketState state = {};  // after the decision, its moments counted from then
};

// Redis answered, but not with a decision: it is full, read-only, loading, or no Redis of ours. `what()` begins with
// its own word for it.
class SharedStoreError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The key of a bucket. Buckets of one subject share a hash tag, and so a slot of Redis Cluster:
// "tn:{ip:10.0.0.7}:reads".
[[nodiscard]] std::string bucket_key(std::string_view policy, std::string_view subject);

// Safe to use from any thread that runs one of the client's contexts. Everything throws redis::ConnectionError or
// SharedStoreError, and takes its time from Redis' clock.
class RedisBuckets {
 public:
  explicit RedisBuckets(redis::Client& client);

  // As BucketStore::take. One round trip; behind a Redis Cluster (told by its CROSSSLOT) one for each subject, in their
  // order, and one more where that has moved. Rates and penalties are valid. The arguments live until it returns.
  [[nodiscard]] boost::asio::awaitable<void> take(std::span<const SharedRequest> requests,
                                                  std::span<SharedDecision> decisions, Monotonic deadline);

  // Says that this node is alive, and tells how many are: nodes are forgotten after `node_lifetime`. Throws
  // ConnectionError also while a server of a cluster that keys have led to cannot be reached.
  static constexpr std::chrono::seconds node_lifetime{5};
  [[nodiscard]] boost::asio::awaitable<std::int64_t> heartbeat(std::string node, Monotonic deadline);

 private:
  struct Script {
    explicit Script(std::string_view script_text);
    std::string_view text;
    std::string sha1;
  };
  boost::asio::awaitable<redis::Reply> run(const Script& script, std::span<const std::string> keys,
                                           std::span<const std::string> arguments, Monotonic deadline);
  boost::asio::awaitable<bool> take_together(std::string_view why_not, std::span<const SharedRequest> requests,
                                             std::span<SharedDecision> decisions, Monotonic deadline);
  boost::asio::awaitable<void> take_in_one_call(std::span<const SharedRequest> requests,
                                                std::span<SharedDecision> decisions, Monotonic deadline);

  redis::Client& client_;
  Script take_;
  Script heartbeat_;
  std::atomic<bool> cluster_ = false;
};

}  // namespace tenon::safeguards
