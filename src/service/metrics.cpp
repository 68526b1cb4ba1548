#include "service/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <shared_mutex>

namespace tenon::service {
namespace {

const prometheus::Histogram::BucketBoundaries seconds_buckets{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                                              0.1,    0.25,  0.5,   1,     2.5,  5,    10};
const prometheus::Histogram::BucketBoundaries commands_buckets{1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

double seconds(std::chrono::steady_clock::duration took) { return std::chrono::duration<double>(took).count(); }

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter().Name("tenon_requests_total").Help("Answers by route and status.").Register(registry);
  prometheus::Family<prometheus::Histogram>& request_seconds = prometheus::BuildHistogram()
                                                                   .Name("tenon_request_seconds")
                                                                   .Help("From the whole request to its answer.")
                                                                   .Register(registry);
  prometheus::Family<prometheus::Counter>& refusals =
      prometheus::BuildCounter().Name("tenon_refusals_total").Help("Refusals by problem code.").Register(registry);
  prometheus::Family<prometheus::Counter>& limits = prometheus::BuildCounter()
                                                        .Name("tenon_limited_total")
                                                        .Help("Requests that a limit's bucket had no token for.")
                                                        .Register(registry);
  prometheus::Counter& replays = prometheus::BuildCounter()
                                     .Name("tenon_replays_total")
                                     .Help("Stored answers given again.")
                                     .Register(registry)
                                     .Add({});
  prometheus::Family<prometheus::Histogram>& batch_commands =
      prometheus::BuildHistogram().Name("tenon_batch_commands").Help("Commands in one transaction.").Register(registry);
  prometheus::Family<prometheus::Histogram>& batch_seconds = prometheus::BuildHistogram()
                                                                 .Name("tenon_batch_seconds")
                                                                 .Help("From sending a batch to its replies.")
                                                                 .Register(registry);
  prometheus::Family<prometheus::Counter>& retries = prometheus::BuildCounter()
                                                         .Name("tenon_retried_commands_total")
                                                         .Help("Commands sent again, by reason.")
                                                         .Register(registry);
  prometheus::Gauge& up =
      prometheus::BuildGauge().Name("tenon_up").Help("1 while the node runs.").Register(registry).Add({});

  // What was looked up once stays: the registry's own look-up hashes its labels under a mutex on every call.
  struct Route {
    std::map<unsigned, prometheus::Counter*> by_status;
    prometheus::Histogram* took = nullptr;
  };
  std::shared_mutex mutex;
  std::map<std::string, Route, std::less<>> routes;
  std::map<std::string, std::array<prometheus::Counter*, 4>, std::less<>> limited;
  std::array<std::atomic<prometheus::Counter*>, problem_code_count> refused{};
  std::map<const writes::Operation*, std::pair<prometheus::Histogram*, prometheus::Histogram*>> operations;

  struct Watched {
    prometheus::Gauge* gauge;
    std::function<double()> value;
  };
  std::vector<Watched> watched;
  struct WatchedTotal {
    prometheus::Counter* counter;
    std::function<double()> value;
  };
  std::vector<WatchedTotal> totals;
  std::mutex totals_mutex;  // two that render at once must not both add what has come since
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) { impl_->up.Set(1); }
Metrics::~Metrics() = default;

void Metrics::on_answer(std::string_view route, unsigned status, std::chrono::steady_clock::duration took) {
  {
    const std::shared_lock lock(impl_->mutex);
    const auto known = impl_->routes.find(route);
    if (known != impl_->routes.end()) {
      const auto counter = known->second.by_status.find(status);
      if (counter != known->second.by_status.end()) {
        counter->second->Increment();
        known->second.took->Observe(seconds(took));
        return;
      }
    }
  }
  const std::unique_lock lock(impl_->mutex);
  Impl::Route& entry = impl_->routes[std::string(route)];
  if (entry.took == nullptr) entry.took = &impl_->request_seconds.Add({{"route", std::string(route)}}, seconds_buckets);
  auto& counter = entry.by_status[status];
  if (counter == nullptr) {
    counter = &impl_->requests.Add({{"route", std::string(route)}, {"status", std::to_string(status)}});
  }
  counter->Increment();
  entry.took->Observe(seconds(took));
}

void Metrics::on_refusal(ProblemCode code) {
  std::atomic<prometheus::Counter*>& known = impl_->refused[static_cast<std::size_t>(code)];
  prometheus::Counter* counter = known.load(std::memory_order_acquire);
  if (counter == nullptr) {
    counter = &impl_->refusals.Add({{"code", std::string(kind_of(code).code)}});  // the same one for all who ask
    known.store(counter, std::memory_order_release);
  }
  counter->Increment();
}

void Metrics::on_limit(std::string_view limit, LimitEvent event) {
  constexpr std::array names{"refused", "penalized", "would_refuse", "misbehaved"};
  const auto index = static_cast<std::size_t>(event);
  {
    const std::shared_lock lock(impl_->mutex);
    const auto known = impl_->limited.find(limit);
    if (known != impl_->limited.end() && known->second[index] != nullptr) {
      known->second[index]->Increment();
      return;
    }
  }
  const std::unique_lock lock(impl_->mutex);
  prometheus::Counter*& counter = impl_->limited[std::string(limit)][index];
  if (counter == nullptr) counter = &impl_->limits.Add({{"limit", std::string(limit)}, {"decision", names[index]}});
  counter->Increment();
}

void Metrics::on_replay() { impl_->replays.Increment(); }

void Metrics::on_batch(const writes::Operation& operation, std::size_t commands,
                       std::chrono::steady_clock::duration took) {
  std::pair<prometheus::Histogram*, prometheus::Histogram*> histograms;
  {
    const std::shared_lock lock(impl_->mutex);
    const auto known = impl_->operations.find(&operation);
    if (known != impl_->operations.end()) histograms = known->second;
  }
  if (histograms.first == nullptr) {
    const std::unique_lock lock(impl_->mutex);
    auto& entry = impl_->operations[&operation];
    if (entry.first == nullptr) {
      entry = {&impl_->batch_commands.Add({{"operation", operation.name}}, commands_buckets),
               &impl_->batch_seconds.Add({{"operation", operation.name}}, seconds_buckets)};
    }
    histograms = entry;
  }
  histograms.first->Observe(static_cast<double>(commands));
  histograms.second->Observe(seconds(took));
}

void Metrics::on_retry(std::string_view reason, std::size_t commands) {
  impl_->retries.Add({{"reason", std::string(reason)}}).Increment(static_cast<double>(commands));
}

void Metrics::watch(std::string_view name, std::string_view help, std::function<double()> value) {
  auto& family = prometheus::BuildGauge().Name(std::string(name)).Help(std::string(help)).Register(impl_->registry);
  const std::unique_lock lock(impl_->mutex);
  impl_->watched.push_back({&family.Add({}), std::move(value)});
}

void Metrics::watch_total(std::string_view name, std::string_view help, std::string_view by,
                          std::function<double()> value) {
  auto& family = prometheus::BuildCounter().Name(std::string(name)).Help(std::string(help)).Register(impl_->registry);
  const std::lock_guard lock(impl_->totals_mutex);
  auto& counter = by.empty() ? family.Add({}) : family.Add({{"by", std::string(by)}});
  impl_->totals.push_back({&counter, std::move(value)});
}

std::string Metrics::render() const {
  {
    const std::lock_guard lock(impl_->totals_mutex);
    for (const auto& total : impl_->totals) {
      total.counter->Increment(std::max(0.0, total.value() - total.counter->Value()));
    }
  }
  {
    const std::shared_lock lock(impl_->mutex);
    for (const auto& watched : impl_->watched) watched.gauge->Set(watched.value());
  }
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace tenon::service
