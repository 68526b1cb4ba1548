// The safeguards before a handler, in their one order.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "safeguards/client_address.hpp"
#include "safeguards/rate_limit/store.hpp"
#include "service/limits_table.hpp"
#include "service/route.hpp"

namespace tenon::service {

// What the stages decide with; set up once, shared by all threads, read only.
struct Guards {
  std::vector<safeguards::Network> trusted_proxies;
  const safeguards::TokenVerifier& tokens;
  const LimitsTable& limits;
  safeguards::BucketStore& buckets;
  safeguards::Rate live_keys;  // how fast one user may use up idempotency keys
};

// A limit that this request was charged against, for the answer's headers.
struct Charged {
  const safeguards::Limit* limit;
  safeguards::BucketDecision decision;
};

// One request on its way through the chain: each stage reads what those before it found out and adds its own.
struct Exchange {
  const http::Request& request;
  const Route& route;
  Instant now;
  http::PathParameters path;

  QueryParameters query;
  boost::asio::ip::address address;
  safeguards::Caller caller;
  std::optional<Problem> unknown_caller;  // why the route's caller could not be identified
  std::optional<json::Value> body;
  Digest fingerprint{};
  std::optional<std::string> key;
  safeguards::Precondition precondition;
  std::vector<Charged> charged;
};

// A stage either checks, or names a bucket to charge (nothing: none).
struct BucketCharge {
  safeguards::Limit limit;
  const safeguards::Limit* shown;  // the limit for the headers; null: not shown
  std::string subject;
  ProblemCode refusal;
};
struct Stage {
  std::string_view name;
  std::string_view reason;  // for its place in the order
  std::optional<Problem> (*check)(const Guards&, Exchange&) = nullptr;
  std::optional<BucketCharge> (*charge)(const Guards&, const Exchange&) = nullptr;
};
[[nodiscard]] std::span<const Stage> stages() noexcept;

// Runs the stages in order; the first refusal ends it. Nothing: the handler may run. All arguments outlive the call.
[[nodiscard]] boost::asio::awaitable<std::optional<Problem>> run_chain(const Guards& guards, Exchange& exchange);

}  // namespace tenon::service
