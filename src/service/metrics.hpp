// What a node counts, for Prometheus (text format 0.0.4). No label value can be chosen by a client.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/problem.hpp"
#include "writes/lane.hpp"

namespace tenon::service {

class Metrics final : public writes::LaneObserver {
 public:
  Metrics();
  ~Metrics() override;

  // `route`: the pattern with its method ("PATCH /api/inventory/{id}"), or "none".
  void on_answer(std::string_view route, unsigned status, std::chrono::steady_clock::duration took);
  void on_refusal(ProblemCode code);
  void on_replay();
  // A limit's bucket said no, or was charged for bad behaviour. `limit` is the name of one of the node's limits.
  enum class LimitEvent : std::uint8_t { refused, penalized, would_refuse, misbehaved };
  void on_limit(std::string_view limit, LimitEvent event);
  void on_batch(const writes::Operation& operation, std::size_t commands,
                std::chrono::steady_clock::duration took) override;
  void on_retry(std::string_view reason, std::size_t commands) override;

  // Read when scraped; outlives the metrics.
  void watch(std::string_view name, std::string_view help, std::function<double()> value);
  // A number that only grows. `by`: the value of its label of that name, if it has one.
  void watch_total(std::string_view name, std::string_view help, std::string_view by, std::function<double()> value);

  [[nodiscard]] std::string render() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenon::service
