// One node's limiter, threads and memory of its own, in the test's process: what many clients at once are told by it is
// counted exactly.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <future>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "base/log.hpp"
#include "redis/client.hpp"
#include "safeguards/rate_limit/falling_back_store.hpp"
#include "support/temporary_folder.hpp"

namespace tenon::test {

[[nodiscard]] std::int64_t microseconds_now();

// What the clients of a node were told.
struct Told {
  std::int64_t asked = 0;
  std::int64_t admitted = 0;
  std::vector<std::int64_t> microseconds = {};  // how long each decision took
  std::int64_t first_at = 0, last_at = 0;       // of the admissions

  void add(const Told& other);
  [[nodiscard]] std::int64_t percentile(double share);  // of `microseconds`
};

class LimitNode {
 public:
  explicit LimitNode(const std::string& redis_url, safeguards::SharedLimitsSettings settings = {});
  ~LimitNode();
  LimitNode(const LimitNode&) = delete;
  LimitNode& operator=(const LimitNode&) = delete;

  [[nodiscard]] bool ready(std::chrono::milliseconds patience = std::chrono::seconds(10));  // Redis is there
  // Until its store says so: that it is shared, or not.
  [[nodiscard]] bool becomes(bool shared, std::chrono::milliseconds patience = std::chrono::seconds(10)) const;
  [[nodiscard]] bool sees_nodes(std::int64_t nodes,
                                std::chrono::milliseconds patience = std::chrono::seconds(10)) const;

  // As the chain asks; returns the decisions.
  std::vector<safeguards::BucketDecision> ask(std::vector<safeguards::BucketRequest> requests);
  safeguards::BucketDecision ask(const safeguards::BucketRequest& request) {
    return ask(std::vector<safeguards::BucketRequest>{request}).front();
  }
  void charge(safeguards::BucketRequest request);  // returns when Redis has it

  // So many clients ask for the same, each again `pause` after its answer, until stopped.
  void start_clients(int clients, safeguards::BucketRequest request, std::chrono::milliseconds pause);
  [[nodiscard]] Told stop_clients();

  [[nodiscard]] safeguards::FallingBackStore& store() noexcept { return store_; }
  [[nodiscard]] std::string log();
  [[nodiscard]] int logged(const std::string& event);  // how many lines

 private:
  template <class T>
  T wait_for(boost::asio::awaitable<T> work);
  static boost::asio::awaitable<std::vector<safeguards::BucketDecision>> decide(
      LimitNode& node, std::vector<safeguards::BucketRequest> requests);
  static boost::asio::awaitable<void> client(LimitNode& node, safeguards::BucketRequest request,
                                             std::chrono::milliseconds pause, std::chrono::microseconds delay,
                                             Told& told);

  TemporaryFolder folder_;
  Logger log_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  redis::Client client_;
  safeguards::MemoryBucketStore memory_;
  safeguards::FallingBackStore store_;
  std::atomic<bool> clients_stop_ = false;
  std::vector<std::future<void>> clients_;
  std::list<Told> told_;
  std::thread thread_;
};

}  // namespace tenon::test
