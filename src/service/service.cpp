#include "service/service.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <stdexcept>

#include "base/json_string.hpp"
#include "base/test_switch.hpp"
#include "encoding/http_date.hpp"
#include "safeguards/client_address.hpp"
#include "safeguards/idempotency/key.hpp"
#include "service/answer.hpp"

namespace tenon::service {
namespace {

namespace asio = boost::asio;

// RFC 9110 section 13.1.2, weak comparison: our only tags are W/"vN".
bool none_match(std::string_view header, std::int64_t version) {
  if (header == "*") return false;
  const std::string opaque = "\"v" + std::to_string(version) + '"';
  for (std::size_t at = 0; at < header.size();) {
    std::size_t comma = header.find(',', at);
    if (comma == std::string_view::npos) comma = header.size();
    std::string_view tag = header.substr(at, comma - at);
    while (tag.starts_with(' ') || tag.starts_with('\t')) tag.remove_prefix(1);
    while (tag.ends_with(' ') || tag.ends_with('\t')) tag.remove_suffix(1);
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == opaque) return false;
    at = comma + 1;
  }
  return true;
}

writes::Operation outcome_operation() {
  return {.name = "read_outcome",
          .kind = writes::Operation::Kind::read,
          .statement =
              "SELECT array_agg(1::smallint), array_agg(status_code), array_agg(problem), array_agg(summary), "
              "array_agg(version), array_agg(modified), array_agg(location), array_agg(expires_at), "
              "array_agg(audit_id) FROM (SELECT o.* FROM unnest($1, $2) WITH ORDINALITY AS c (claim, held, n) "
              "LEFT JOIN LATERAL tenon.read_outcome(c.claim, c.held) AS o ON true ORDER BY c.n) AS found",
          .columns = {postgres::Type::uuid, postgres::Type::text},
          .batch_commands_max = limits::batch_commands_max};
}

// Of a read: another caller's answer may be another, and with a `Last-Modified` and nothing else a browser would guess
// for how long this one is good (RFC 9111 section 4.2.2).
constexpr std::string_view for_this_caller_now = "private, no-cache";

// A write takes its nonce in its own transaction. A read need not be held to it where none is demanded.
bool takes_nonce_alone(const Exchange& x) {
  return x.signature && x.route.policy.signature == Need::required && x.route.policy.key == Need::none;
}

http::Response refuse(const Problem& problem) {
  http::Response response = http::Response::refusal(problem);
  if (problem.status() == 401) response.add("WWW-Authenticate", safeguards::www_authenticate(problem.code));
  return response;
}

// What is known without waiting, for who has to return something to await.
asio::awaitable<http::Response> at_once(http::Response response) { co_return response; }

writes::Operation admit_operation() {
  using postgres::Type;
  return writes::read(
      "admit_signed", "SELECT * FROM tenon.admit_signed($1, $2, $3, $4, $5, $6, $7, $8)",
      {Type::text, Type::text, Type::text, Type::text, Type::uuid, Type::uuid, Type::uuid, Type::timestamptz});
}

}  // namespace

Service::Service(ServiceSettings settings, const Guards& guards, writes::Writer& writer,
                 writes::Transactions& transactions, Metrics& metrics, Logger& log)
    : settings_(std::move(settings)),
      guards_(guards),
      writer_(writer),
      transactions_(transactions),
      metrics_(metrics),
      log_(log),
      read_outcome_(outcome_operation()),
      admit_signed_(admit_operation()) {}

void Service::add(std::vector<Route> routes) {
  for (Route& route : routes) {
    const std::string name = std::string(http::name_of(route.method)) + " " + route.pattern;
    if (route.policy.key != Need::none && route.policy.scope.empty()) {
      throw std::invalid_argument(name + ": a route with an Idempotency-Key needs a scope");
    }
    for (const std::string_view limit : {route.policy.address_limit, route.policy.user_limit}) {
      if (!limit.empty() && !guards_.limits.knows(limit)) {
        throw std::invalid_argument(name + ": nobody defined the limit " + std::string(limit));
      }
    }
    const auto& required = settings_.signatures_required;
    const bool named = std::ranges::any_of(required, [&](const std::string& scope) {
      return scope == "all" || (!scope.empty() && scope == route.policy.scope);
    });
    if (named && route.policy.takes_signature()) route.policy.signature = Need::required;
    if (route.policy.signature == Need::required && (guards_.signatures == nullptr || route.policy.roles.empty())) {
      throw std::invalid_argument(name + ": a signature is required, and nobody's key is known here");
    }
    router_.add(route.method, route.pattern, routes_.size());
    routes_.push_back(std::move(route));
    route_names_.push_back(name);
  }
}

std::chrono::seconds Service::lifetime_of(std::string_view scope) const {
  const auto own = settings_.key_lifetime_by_scope.find(scope);
  return own == settings_.key_lifetime_by_scope.end() ? settings_.key_lifetime : own->second;
}

http::Response Service::failed(const http::Request& request, std::string_view what) {
  log_.event(LogLevel::error, "handler_failed",
             {{"request_id", std::string_view(request.request_id)}, {"error", what}});
  return http::Response::refusal(problem(ProblemCode::internal_error));
}

asio::awaitable<http::Response> Service::handle(const http::Request& request) {
  return settings_.cors.enabled() ? handle_any_origin(request) : handle_own(request);
}

asio::awaitable<http::Response> Service::handle_any_origin(const http::Request& request) {
  if (Cors::is_preflight(request)) co_return preflight(request);
  http::Response response = co_await handle_own(request);
  settings_.cors.add_headers(response, request);
  co_return response;
}

http::Response Service::preflight(const http::Request& request) {
  const Monotonic started = monotonic_now();
  // No route takes OPTIONS: the router's refusal is what tells the methods of the path.
  const Result<http::Match> match = router_.match(request.method, request.path);
  const bool known = match || match.error().code == ProblemCode::method_not_allowed;
  Result<http::Response> answer = known ? settings_.cors.preflight(request, match ? "" : match.error().allow)
                                        : Result<http::Response>(match.error());
  http::Response response = answer ? std::move(*answer) : refuse(answer.error());
  if (!answer) settings_.cors.add_headers(response, request);
  const auto took = monotonic_now() - started;
  metrics_.on_answer("none", response.status(), took);
  log(request, nullptr, nullptr, response, took);
  return response;
}

asio::awaitable<http::Response> Service::handle_own(const http::Request& request) {
  const Monotonic started = monotonic_now();
  const auto executor = co_await asio::this_coro::executor;
  // Sessions run on io_contexts and nothing else (http/server.hpp).
  auto& here = static_cast<asio::io_context&>(executor.context());

  Result<http::Match> match = router_.match(request.method, request.path);
  if (!match) {
    http::Response response = refuse(match.error());
    const auto took = monotonic_now() - started;
    metrics_.on_answer("none", response.status(), took);
    log(request, nullptr, nullptr, response, took);
    co_return response;
  }
  const Route& route = routes_[match->route];
  Exchange x{.request = request,
             .route = route,
             .now = wall_now(),
             .deadline = started + settings_.request_deadline,
             .path = std::move(match->parameters)};
  // What is thrown is an answer like others: counted, logged, and with its headers.
  http::Response response;
  try {
    Chain chain(guards_, x);
    Chain::At at = chain.advance();
    while (at == Chain::At::waiting) {
      co_await chain.wait();
      at = chain.advance();
    }
    std::optional<Problem> refusal;
    if (at == Chain::At::refused) refusal = std::move(chain.refusal());
    if (!refusal && takes_nonce_alone(x)) refusal = co_await admit(here, x);
    const Incoming incoming{.request = request,
                            .path = x.path,
                            .query = x.query,
                            .body = x.body ? &*x.body : nullptr,
                            .caller = x.caller,
                            .precondition = x.precondition,
                            .exchange = &x};
    if (refusal) {
      response = refuse(*refusal);
    } else {
      response = co_await run(here, incoming, x);
    }
  } catch (const std::exception& error) {
    response = failed(request, error.what());
  } catch (...) {
    response = failed(request, "something that is no std::exception");
  }
  settle_limits(x, response);
  const auto took = monotonic_now() - started;
  metrics_.on_answer(route_names_[match->route], response.status(), took);
  log(request, &route, &x, response, took);
  co_return response;
}

// No coroutine: what needs none of its own, as a replay at hand, has only that of its answer.
asio::awaitable<http::Response> Service::run(asio::io_context& here, const Incoming& incoming, Exchange& x) {
  if (const auto* direct = std::get_if<DirectHandler>(&x.route.handler)) {
    return (*direct)({.context = here, .service = *this}, incoming);
  }
  Result<writes::Call> call = std::get<CallHandler>(x.route.handler)(incoming);
  if (!call) return at_once(refuse(call.error()));
  if (call->operation->kind == writes::Operation::Kind::read) return read(here, x, std::move(*call));
  if (auto known = replay(x)) return at_once(*std::move(known));
  return write(here, x, std::move(*call));
}

void Service::settle_limits(const Exchange& x, http::Response& response) {
  using enum Metrics::LimitEvent;
  const bool guessed = response.refused_for() && is_misbehaviour(*response.refused_for());
  std::vector<safeguards::Told> shown;
  for (const auto& [limit, subject, refusal, decision] : x.charged) {
    if (!decision.decided) continue;
    const bool enforced = limit->mode == safeguards::Mode::enforce;
    if (enforced && refusal == ProblemCode::rate_limited) shown.push_back({limit, decision});
    if (!decision.admitted) {
      metrics_.on_limit(limit->name, !enforced ? would_refuse : decision.penalized ? penalized : refused);
    } else if (guessed) {
      metrics_.on_limit(limit->name, misbehaved);
    }
  }
  safeguards::add_rate_limit_headers(response, shown, settings_.rate_limit_headers);
  if (guessed) charge_misbehaviour(guards_, x);
}

writes::Envelope Service::envelope_of(std::string_view scope, std::string user, const std::optional<std::string>& key,
                                      const Digest& fingerprint, const safeguards::Caller& caller,
                                      const std::string& request_id) const {
  writes::Envelope envelope{.claim = {},
                            .scope = std::string(scope),
                            .user = std::move(user),
                            .key = key ? *key : "node:" + random_uuid().text(),
                            .fingerprint = fingerprint,
                            .lifetime_seconds = static_cast<std::int32_t>(lifetime_of(scope).count()),
                            .role = std::string(safeguards::leading_name(caller.roles)),
                            .request_id = request_id};
  return envelope;
}

http::Response Service::tell(Result<writes::Reply> reply, const Exchange& x) {
  if (!reply) {
    http::Response refusal = refuse(reply.error());
    if (!x.key_header.empty()) refusal.add("Idempotency-Key", x.key_header);
    return refusal;
  }
  if (reply->origin == writes::Reply::Origin::fresh) charge_spared(guards_, x);
  http::Response response = answer(*reply, std::move(reply->body));
  if (!x.key_header.empty() && writes::is_stored(*reply)) {
    if (reply->origin == writes::Reply::Origin::replayed) metrics_.on_replay();
    add_idempotency_headers(response, *reply, x.key_header);
  }
  return response;
}

// The answer that this node was told lately, if there is one: without an envelope, a lane or a wait.
std::optional<http::Response> Service::replay(const Exchange& x) {
  if (!x.claim || x.signature) return std::nullopt;  // a nonce is the database's to judge
  std::optional<writes::Reply> known = writer_.known(*x.claim, x.fingerprint);
  if (!known) return std::nullopt;
  if (known->origin == writes::Reply::Origin::reused) {
    return tell(problem(ProblemCode::idempotency_key_reused), x);
  }
  return answer_write(*std::move(known), x);
}

// A write's answer, whether it ran now or before.
http::Response Service::answer_write(Result<writes::Reply> reply, const Exchange& x) {
  test_switch::pass(test_switch::Step::before_response);
  if (reply && reply->problem == ProblemCode::conflict && x.precondition.from_standard_header) {
    reply->status = settings_.conflict_status;
  }
  if (reply && writes::is_signature_refused(*reply)) return refuse(problem(*reply->problem));
  return tell(std::move(reply), x);
}

asio::awaitable<http::Response> Service::write(asio::io_context& here, Exchange& x, writes::Call call) {
  const std::string_view scope = x.route.policy.scope;
  writes::Envelope envelope = envelope_of(scope, user_of(x), x.key, x.fingerprint, x.caller, x.request.request_id);
  envelope.claim = x.claim ? *x.claim : safeguards::claim_of(scope, envelope.user, envelope.key);
  if (!call.role.empty()) envelope.scope.append(" ").append(call.role);  // the claim is made: the key is the scope's
  if (x.signature && call.operation->signed_statement.empty()) {
    if (const auto refusal = co_await admit(here, x)) co_return refuse(*refusal);
  } else {
    envelope.signature = x.signature;
  }
  Result<writes::Reply> reply = co_await writer_.write(here, std::move(call), std::move(envelope), x.deadline);
  co_return answer_write(std::move(reply), x);
}

asio::awaitable<std::optional<Problem>> Service::admit(asio::io_context& here, const Exchange& x) {
  const writes::SignedBy& by = *x.signature;
  writes::Call call{
      .operation = &admit_signed_,
      .arguments = {x.caller.user, std::string(safeguards::leading_name(x.caller.roles)), x.request.request_id,
                    x.key ? writes::Argument(*x.key) : writes::Argument(), by.nonce, by.attempt, by.key, by.created},
      .affinity = writes::affinity_of(by.key)};
  const Result<writes::Reply> reply = co_await writer_.read_by_affinity(here, std::move(call), x.deadline);
  if (!reply) co_return reply.error();
  if (writes::is_signature_refused(*reply)) co_return problem(*reply->problem);
  co_return std::nullopt;
}

asio::awaitable<http::Response> Service::handle_idempotent(asio::io_context& here, const Incoming& in,
                                                           std::string user_id, writes::Execute execute,
                                                           IdempotentOptions options) {
  const Exchange& x = *in.exchange;
  if (x.route.policy.key == Need::none || x.route.policy.scope != options.scope) {
    throw std::logic_error("the route's policy does not have the scope \"" + std::string(options.scope) +
                           "\" and a key, by which limits, settings and the outcome query know its answers");
  }
  const auto key = safeguards::idempotency_key(in.request);
  if (!key) co_return refuse(key.error());
  writes::Envelope envelope =
      envelope_of(options.scope, std::move(user_id), *key, safeguards::fingerprint(in.request, in.body), in.caller,
                  in.request.request_id);
  envelope.claim = safeguards::claim_of(envelope.scope, envelope.user, envelope.key);
  envelope.signature = x.signature;
  const Monotonic deadline = x.deadline;
  const writes::Writer::Work work = [&] { return transactions_.run(here, envelope, execute, deadline); };
  Result<writes::Reply> reply =
      co_await writer_.once(here, envelope.claim, envelope.fingerprint, envelope.signature.has_value(), deadline, work);
  if (reply && writes::is_signature_refused(*reply)) co_return refuse(problem(*reply->problem));
  co_return tell(std::move(reply), x);
}

asio::awaitable<http::Response> Service::read(asio::io_context& here, Exchange& x, writes::Call call) {
  Result<writes::Reply> reply = co_await writer_.read(here, std::move(call), x.deadline);
  if (!reply) co_return refuse(reply.error());
  http::Response response = answer(*reply, std::move(reply->body));
  if (reply->problem) co_return response;
  response.add("Cache-Control", for_this_caller_now);
  if (reply->version && reply->status == 200) {
    const auto known = x.request.header("If-None-Match");
    if (known && !none_match(*known, *reply->version)) {
      http::Response unchanged(304);
      for (const http::HeaderName name :
           {http::HeaderName("ETag"), http::HeaderName("Last-Modified"), http::HeaderName("Cache-Control")}) {
        if (const auto value = response.header(name.text())) unchanged.add(name, *value);
      }
      co_return unchanged;
    }
  }
  co_return response;
}

asio::awaitable<Result<writes::Reply>> Service::ask(asio::io_context& here, const Incoming& in, writes::Call call) {
  co_return co_await writer_.read(here, std::move(call), in.exchange->deadline);
}

asio::awaitable<http::Response> Service::outcome(asio::io_context& here, const Incoming& in) {
  const std::string& scope = in.path.at(0);
  const std::string& key = in.path.at(1);
  // Whoever may not send such a write any more is not shown what it answered.
  const auto owner = std::ranges::find_if(routes_, [&](const Route& route) { return route.policy.scope == scope; });
  if (owner == routes_.end()) co_return refuse(problem(ProblemCode::not_found, "There is no scope of that name."));
  if (!owner->policy.roles.empty() && !in.caller.roles.any_of(owner->policy.roles)) {
    co_return refuse(problem(ProblemCode::forbidden));
  }
  writes::Call call{
      .operation = &read_outcome_,
      .arguments = {safeguards::claim_of(scope, in.caller.user, key), " " + names_of(in.caller.roles) + " "},
      .affinity = 0};
  const Result<writes::Reply> reply = co_await writer_.read(here, std::move(call), in.exchange->deadline);
  if (!reply) co_return refuse(reply.error());
  if (reply->status == 0) co_return refuse(problem(ProblemCode::not_found, "No unexpired key of that name is known."));

  if (reply->problem == ProblemCode::forbidden) co_return refuse(problem(ProblemCode::forbidden));

  const http::Response stored = answer(*reply, reply->body);
  std::string body = "{\"scope\":" + json_string(scope) + ",\"key\":" + json_string(key) +
                     ",\"status\":" + std::to_string(stored.status());
  for (const auto& [member, header] :
       {std::pair{"etag", "ETag"}, {"last_modified", "Last-Modified"}, {"location", "Location"}}) {
    if (const auto value = stored.header(header)) body += ",\"" + std::string(member) + "\":" + json_string(*value);
  }
  body += ",\"expires_at\":\"" + format_iso_date(*reply->expires) +
          "\",\"answer\":" + (stored.body().empty() ? "null" : stored.body()) + "}";
  http::Response told = http::Response::json(200, std::move(body));
  told.add("Cache-Control", for_this_caller_now);
  co_return told;
}

void Service::log(const http::Request& request, const Route* route, const Exchange* x, const http::Response& response,
                  std::chrono::steady_clock::duration took) {
  if (!settings_.log_requests || !log_.enabled(LogLevel::info)) return;
  const std::string address = safeguards::text_of(x != nullptr ? x->address : request.peer);
  log_.event(LogLevel::info, "request",
             {{"request_id", std::string_view(request.request_id)},
              {"method", http::name_of(request.method)},
              {"path", request.path.substr(0, 200)},
              {"route", route != nullptr ? std::string_view(route->pattern) : std::string_view("none")},
              {"status", std::int64_t{response.status()}},
              {"user", x != nullptr ? std::string_view(x->caller.user) : std::string_view()},
              {"address", std::string_view(address)},
              {"milliseconds", std::chrono::duration_cast<std::chrono::microseconds>(took)}});
}

}  // namespace tenon::service
