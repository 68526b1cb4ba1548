// What every node answers beside its APIs: health, metrics, the problems' pages, the outcome of a key.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "service/metrics.hpp"
#include "service/service.hpp"
#include "writes/writer.hpp"

namespace tenon {

struct Readiness {
  const writes::Writer& writer;
  const safeguards::BucketStore& buckets;
  const std::atomic<bool>& stopping;
  int schema_version = 0;
};

// All arguments outlive the routes.
[[nodiscard]] std::vector<service::Route> system_routes(const service::Metrics& metrics, const Readiness& readiness);

}  // namespace tenon
