#include "service/chain.hpp"

#include <algorithm>
#include <utility>

#include "safeguards/idempotency/key.hpp"
#include "safeguards/rate_limit/headers.hpp"
#include "service/input.hpp"
#include "service/signature_stage.hpp"

namespace tenon::service {
namespace {

using Verdict = std::optional<Problem>;

Verdict find_address(const Guards& guards, Exchange& x) {
  x.address = safeguards::client_address(x.request, guards.trusted_proxies);
  return std::nullopt;
}

std::string address_subject(const Exchange& x) { return std::string("ip:").append(safeguards::subject_of(x.address)); }

// By whoever needs to know it first.
Verdict identify(const Guards& guards, Exchange& x) {
  if (std::exchange(x.identified, true) || x.route.policy.roles.empty()) return std::nullopt;
  Result<safeguards::Caller> caller = guards.tokens.verify(x.request, x.now);
  if (caller) {
    x.caller = std::move(*caller);
  } else {
    x.unknown_caller = std::move(caller.error());
  }
  return std::nullopt;
}

std::string user_subject(const Exchange& x) {
  return x.caller.user.empty() ? address_subject(x) : "user:" + x.caller.user;
}

// Read and hashed once, whoever asks first. The result is the problem of the key's header.
Verdict find_key(Exchange& x) {
  if (x.claim) return std::nullopt;
  auto key = safeguards::idempotency_key(x.request);
  if (!key) return std::move(key.error());
  x.key = *std::move(key);
  if (!x.key) return std::nullopt;
  x.key_header = x.request.find("Idempotency-Key").value;
  x.claim = safeguards::claim_of(x.route.policy.scope, user_of(x), *x.key);
  return std::nullopt;
}

// Its claim needs no more than the scope, the caller and the key's header, so it is known before the body is looked at.
bool is_known_replay(const Guards& guards, Exchange& x) {
  if (!guards.known_replay || x.route.policy.key == Need::none) return false;
  identify(guards, x);
  if (x.unknown_caller) return false;
  // The nonce of a signed one is the database's to judge, whatever answer stands ready.
  if (x.route.policy.takes_signature() && x.request.count("Signature") > 0) return false;
  return !find_key(x) && x.claim && guards.known_replay(*x.claim);
}

// Work of a handler's own goes over connections of its own: the lanes' queues say nothing about it.
bool goes_to_a_lane(const Route& route) {
  return route.policy.key != Need::none && std::holds_alternative<CallHandler>(route.handler);
}

Verdict find_room(const Guards& guards, Exchange& x) {
  if (!guards.overloaded || !goes_to_a_lane(x.route) || !guards.overloaded()) return std::nullopt;
  if (is_known_replay(guards, x)) return std::nullopt;
  return problem(ProblemCode::overloaded);
}

void charge_limits(const Guards& guards, Exchange& x) {
  const Policy& policy = x.route.policy;
  if (policy.address_limit.empty() && policy.user_limit.empty()) return;
  const auto* of_address = guards.limits.find(policy.address_limit);
  const auto* of_user = guards.limits.find(policy.user_limit);
  if (of_user != nullptr) identify(guards, x);
  if (of_user != nullptr && is_known_replay(guards, x)) {
    x.spared = Charge{.limit = std::exchange(of_user, nullptr), .subject = user_subject(x)};
    if (policy.address_limit.empty()) of_address = guards.replay_limit;
  }
  constexpr std::size_t charges_max = 3;  // of the address, of the user, and of their live keys
  if (of_address != nullptr || of_user != nullptr) x.charged.reserve(charges_max);
  if (of_address != nullptr) x.charged.push_back({.limit = of_address, .subject = address_subject(x)});
  if (of_user != nullptr) x.charged.push_back({.limit = of_user, .subject = user_subject(x)});
}

Verdict check_roles(const Guards&, Exchange& x) {
  if (x.unknown_caller) return std::move(*x.unknown_caller);
  if (x.route.policy.roles.empty() || x.caller.roles.any_of(x.route.policy.roles)) return std::nullopt;
  return problem(ProblemCode::forbidden);
}

constexpr bool takes_body(http::Method method) noexcept {
  return method == http::Method::post || method == http::Method::put || method == http::Method::patch;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

// "application/json", with no parameter but charset=utf-8.
bool is_json(std::string_view type) noexcept {
  const std::size_t semicolon = type.find(';');
  std::string_view essence = type.substr(0, semicolon);
  while (essence.ends_with(' ')) essence.remove_suffix(1);
  if (!equal_ignoring_case(essence, "application/json")) return false;
  if (semicolon == std::string_view::npos) return true;
  std::string_view parameter = type.substr(semicolon + 1);
  while (parameter.starts_with(' ')) parameter.remove_prefix(1);
  return equal_ignoring_case(parameter, "charset=utf-8") || equal_ignoring_case(parameter, "charset=\"utf-8\"");
}

Verdict parse_input(const Guards&, Exchange& x) {
  auto query = parse_query(x.request.query);
  if (!query) return problem(ProblemCode::malformed_parameter, "The query string cannot be read.");
  x.query = std::move(*query);
  if (!x.route.policy.query) {
    if (auto unknown = check_query(x.query, {})) return unknown;
  }
  if (!takes_body(x.request.method)) {
    if (x.request.body.empty()) return std::nullopt;
    return problem(ProblemCode::malformed_request, "This method takes no body.");
  }
  const auto type = x.request.header("Content-Type");
  if (!type || !is_json(*type)) {
    return problem(ProblemCode::unsupported_media_type, "Send Content-Type: application/json.");
  }
  Result<json::Value> body = json::parse(x.request.body);
  if (!body) return std::move(body.error());
  x.body = std::move(*body);
  return std::nullopt;
}

Verdict read_key(const Guards&, Exchange& x) {
  if (x.route.policy.key == Need::none) return std::nullopt;
  if (auto malformed = find_key(x)) return malformed;
  if (!x.key && x.route.policy.key == Need::required) {
    return problem(ProblemCode::idempotency_key_missing,
                   "Send a fresh key with each new request, and the same one when you send it again.");
  }
  x.fingerprint = safeguards::fingerprint(x.request, x.body ? &*x.body : nullptr);
  return std::nullopt;
}

void charge_live_keys(const Guards& guards, Exchange& x) {
  if (!x.key || guards.live_keys.mode == safeguards::Mode::off) return;
  x.charged.push_back(
      {.limit = &guards.live_keys, .subject = user_subject(x), .refusal = ProblemCode::too_many_live_keys});
}

safeguards::BucketStore& shared_store(const Guards& guards) { return guards.buckets; }
safeguards::BucketStore& node_store(const Guards& guards) { return guards.node_buckets; }

Verdict read_tokens(const Guards&, Exchange& x) {
  // A write that went on without it would change what its sender meant to leave alone (RFC 9110 section 13.1.2).
  const bool reads = x.request.method == http::Method::get || x.request.method == http::Method::head;
  if (!reads && x.request.header("If-None-Match")) {
    return problem(ProblemCode::precondition_malformed, "If-None-Match is for reads: name the version with If-Match.");
  }
  if (x.route.policy.precondition == Need::none) return std::nullopt;
  // Only a PATCH carries tokens in its body, beside its changes: elsewhere `version` is a member like any other.
  const bool in_body = x.request.method == http::Method::patch && x.body;
  auto precondition = safeguards::read_precondition(x.request, in_body ? &*x.body : nullptr);
  if (!precondition) return std::move(precondition.error());
  x.precondition = std::move(*precondition);
  if (x.precondition.empty() && x.route.policy.precondition == Need::required) {
    return problem(ProblemCode::precondition_required, safeguards::accepted_tokens(in_body));
  }
  return std::nullopt;
}

constexpr Stage ordered[] = {
    {.name = "client address",
     .reason = "everything that is charged or logged before a user is known needs it",
     .check = find_address},
    {.name = "room",
     .reason =
         "a node that has more to do than it can says so before it does anything else for the request, and before a "
         "limit is charged for what will not run; but who asks for the answer of a key that stands ready is told it",
     .check = find_room},
    {.name = "limits",
     .reason =
         "the address's and the user's in one call, as their store may be a network away. A user's only once their "
         "token was checked, so that nobody can drain another's bucket by naming them; before a bad token is refused, "
         "so that who sends one is bounded too, by address; before any work that takes more than a signature's check",
     .charge = charge_limits,
     .store = shared_store},
    {.name = "caller",
     .reason = "before whatever depends on who it is; after the limits, so that an address which is refused costs no "
               "signature's check, unless a stage before had to know: a user's bucket is asked in one call with the "
               "address's, and who may be told the answer of a key is known by their token",
     .check = identify},
    {.name = "role",
     .reason =
         "refuses who is not known, or may not; before the body is looked at: who may not write learns nothing about "
         "what is valid",
     .check = check_roles},
    {.name = "signature",
     .reason =
         "after the caller, whose key it must be, and the limits, as it costs most of all checks; before the body "
         "is parsed: it is over the bytes as they came, and all after it may rely on them",
     .check = read_presented,
     .judge = judge_presented},
    {.name = "body",
     .reason = "the fingerprint and the body's concurrency tokens need it parsed",
     .check = parse_input},
    {.name = "idempotency key", .reason = "nothing may run before it is known under which key", .check = read_key},
    {.name = "live keys",
     .reason = "a key that is well-formed and sent is about to be remembered: bounds what one user stores",
     .charge = charge_live_keys,
     .store = node_store},
    {.name = "precondition token",
     .reason = "last: tokens are only parsed here and compared in the database, after the replay was looked for",
     .check = read_tokens},
};

}  // namespace

std::span<const Stage> stages() noexcept { return ordered; }

std::string user_of(const Exchange& x) {
  return x.caller.user.empty() ? "@" + safeguards::subject_of(x.address) : x.caller.user;
}

safeguards::BucketRequest Charge::request() const noexcept {
  const bool enforced = limit->mode == safeguards::Mode::enforce;
  return {.policy = limit->name,
          .subject = subject,
          .rate = limit->rate,
          // Who is not told to wait cannot be blamed for coming again.
          .penalty = enforced ? limit->penalty : safeguards::Penalty{},
          .on_store_loss = limit->on_store_loss,
          .shadow = !enforced};
}

bool is_misbehaviour(ProblemCode code) noexcept {
  return code == ProblemCode::token_invalid || code == ProblemCode::idempotency_key_reused ||
         code == ProblemCode::signature_invalid || code == ProblemCode::signature_replayed;
}

void charge_misbehaviour(const Guards& guards, const Exchange& x) {
  for (const Charge& charge : x.charged) {
    if (!charge.decision.decided || charge.limit == &guards.live_keys) continue;
    safeguards::BucketRequest request = charge.request();
    request.cost = misbehaviour_cost;
    guards.buckets.charge(request);
  }
  if (!x.spared) return;
  safeguards::BucketRequest request = x.spared->request();
  request.cost = 1 + misbehaviour_cost;
  guards.buckets.charge(request);
}

void charge_spared(const Guards& guards, const Exchange& x) {
  if (x.spared) guards.buckets.charge(x.spared->request());
}

std::span<Charge> Chain::asked() noexcept { return std::span(exchange_.charged).subspan(first_asked_); }

// What the store said, into the exchange.
void Chain::note() {
  const std::span charges = asked();
  for (std::size_t i = 0; i < charges.size(); ++i) charges[i].decision = decisions_[i];
  const std::span decisions(decisions_.data(), charges.size());
  if (const auto* refusing = safeguards::refusal_in({requests_.data(), charges.size()}, decisions)) {
    refusal_ = problem(charges[static_cast<std::size_t>(refusing - decisions.data())].refusal);
    refusal_->retry_after_seconds = safeguards::retry_after_seconds(*refusing);
  }
}

// False: it has to wait.
bool Chain::run(const Stage& stage) {
  if (stage.check != nullptr) {
    refusal_ = stage.check(guards_, exchange_);
    return refusal_ || stage.judge == nullptr || !exchange_.presented;
  }
  first_asked_ = exchange_.charged.size();
  stage.charge(guards_, exchange_);
  const std::span charges = asked();
  if (charges.empty()) return true;
  for (std::size_t i = 0; i < charges.size(); ++i) requests_.at(i) = charges[i].request();
  const bool decided =
      stage.store(guards_).take_now({requests_.data(), charges.size()}, {decisions_.data(), charges.size()});
  if (decided) note();
  return decided;
}

Chain::At Chain::advance() {
  while (!refusal_) {
    if (next_ == std::size(ordered)) return At::passed;
    if (!run(ordered[next_])) return At::waiting;
    ++next_;
  }
  return At::refused;
}

boost::asio::awaitable<void> Chain::wait() {
  const Stage& stage = ordered[next_];
  if (stage.judge != nullptr) {
    refusal_ = co_await stage.judge(guards_, exchange_);
  } else {
    const std::size_t count = asked().size();
    co_await stage.store(guards_).take({requests_.data(), count}, {decisions_.data(), count});
    note();
  }
  ++next_;
}

}  // namespace tenon::service
