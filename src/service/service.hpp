// The road of a request from its bytes to its answer: route, chain, handler, lane, response.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "http/message.hpp"
#include "http/router.hpp"
#include "safeguards/rate_limit/headers.hpp"
#include "service/chain.hpp"
#include "service/cors.hpp"
#include "service/metrics.hpp"
#include "service/route.hpp"
#include "writes/transactions.hpp"
#include "writes/writer.hpp"

namespace tenon::service {

struct ServiceSettings {
  std::chrono::seconds key_lifetime = limits::key_lifetime;
  std::map<std::string, std::chrono::seconds, std::less<>> key_lifetime_by_scope;
  std::chrono::milliseconds request_deadline = limits::request_deadline;
  std::uint16_t conflict_status = 409;  // 412: what RFC 9110 answers to If-Match and If-Unmodified-Since
  bool log_requests = true;
  safeguards::HeaderStyle rate_limit_headers = safeguards::HeaderStyle::both;
  Cors cors = {};
  std::vector<std::string> signatures_required;  // scopes, or "all": of the routes whose signature is optional
};

// Thread-safe once all routes are added. All arguments outlive it.
class Service {
 public:
  Service(ServiceSettings settings, const Guards& guards, writes::Writer& writer, writes::Transactions& transactions,
          Metrics& metrics, Logger& log);

  // Throws std::invalid_argument for a table that contradicts itself: a pattern twice, a write without a scope, a limit
  // that nobody defined.
  void add(std::vector<Route> routes);
  [[nodiscard]] const std::vector<Route>& routes() const noexcept { return routes_; }

  // The server's handler. Runs on one of the writer's io_contexts. What a route's handler throws is logged and answered
  // with 500 internal_error. Which refusals there were is the server's observer to count: it is told of all of them.
  [[nodiscard]] boost::asio::awaitable<http::Response> handle(const http::Request& request);

  // For work that is not a single operation: hands `execute` an open transaction, of which at most one commits per
  // (scope, user, key), and stores its reply in that same transaction; a retry gets the stored answer. It may be called
  // several times (writes/transactions.hpp). The key is the request's
  // Idempotency-Key, or one made here when it sent none; a malformed one is refused. `execute` and `in` live until it
  // returns. Throws std::logic_error where the route's policy does not say the same scope, and take a key.
  struct IdempotentOptions {
    std::string_view scope;
  };
  [[nodiscard]] boost::asio::awaitable<http::Response> handle_idempotent(boost::asio::io_context& here,
                                                                         const Incoming& in, std::string user_id,
                                                                         writes::Execute execute,
                                                                         IdempotentOptions options);

  // Runs a read on a lane, for handlers that make something else of its reply than an answer.
  [[nodiscard]] boost::asio::awaitable<Result<writes::Reply>> ask(boost::asio::io_context& here, const Incoming& in,
                                                                  writes::Call call);

  // The stored outcome of one of the caller's own writes, or not_found: GET /api/idempotency/{scope}/{key}.
  [[nodiscard]] boost::asio::awaitable<http::Response> outcome(boost::asio::io_context& here, const Incoming& in);

 private:
  [[nodiscard]] boost::asio::awaitable<http::Response> handle_own(const http::Request& request);
  [[nodiscard]] boost::asio::awaitable<http::Response> handle_any_origin(const http::Request& request);
  [[nodiscard]] http::Response preflight(const http::Request& request);
  // What follows the chain. `incoming` outlives what is returned.
  [[nodiscard]] boost::asio::awaitable<http::Response> run(boost::asio::io_context& here, const Incoming& incoming,
                                                           Exchange& x);
  [[nodiscard]] boost::asio::awaitable<http::Response> write(boost::asio::io_context& here, Exchange& x,
                                                             writes::Call call);
  [[nodiscard]] std::optional<http::Response> replay(const Exchange& x);
  [[nodiscard]] http::Response answer_write(Result<writes::Reply> reply, const Exchange& x);
  [[nodiscard]] boost::asio::awaitable<http::Response> read(boost::asio::io_context& here, Exchange& x,
                                                            writes::Call call);
  [[nodiscard]] http::Response failed(const http::Request& request, std::string_view what);
  // Takes the nonce into use in a transaction of its own; the refusal when it is not new.
  [[nodiscard]] boost::asio::awaitable<std::optional<Problem>> admit(boost::asio::io_context& here, const Exchange& x);
  [[nodiscard]] http::Response tell(Result<writes::Reply> reply, const Exchange& x);
  // Without its claim.
  [[nodiscard]] writes::Envelope envelope_of(std::string_view scope, std::string user,
                                             const std::optional<std::string>& key, const Digest& fingerprint,
                                             const safeguards::Caller& caller, const std::string& request_id) const;
  // Headers, metrics and what is charged on top, once it is known how the request ended.
  void settle_limits(const Exchange& x, http::Response& response);
  [[nodiscard]] std::chrono::seconds lifetime_of(std::string_view scope) const;
  void log(const http::Request& request, const Route* route, const Exchange* x, const http::Response& response,
           std::chrono::steady_clock::duration took);

  ServiceSettings settings_;
  const Guards& guards_;
  writes::Writer& writer_;
  writes::Transactions& transactions_;
  Metrics& metrics_;
  Logger& log_;
  http::Router router_;
  std::vector<Route> routes_;
  std::vector<std::string> route_names_;
  writes::Operation read_outcome_;
  writes::Operation admit_signed_;
};

}  // namespace tenon::service
