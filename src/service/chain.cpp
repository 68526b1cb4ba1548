#include "service/chain.hpp"

#include "safeguards/idempotency/key.hpp"

namespace tenon::service {
namespace {

using Verdict = std::optional<Problem>;

Verdict find_address(const Guards& guards, Exchange& x) {
  x.address = safeguards::client_address(x.request, guards.trusted_proxies);
  return std::nullopt;
}

std::optional<BucketCharge> charge(const Guards& guards, std::string_view name, std::string subject) {
  const safeguards::Limit* limit = name.empty() ? nullptr : guards.limits.find(name);
  if (limit == nullptr) return std::nullopt;
  return BucketCharge{
      .limit = *limit, .shown = limit, .subject = std::move(subject), .refusal = ProblemCode::rate_limited};
}

std::string address_subject(const Exchange& x) { return "ip:" + safeguards::subject_of(x.address); }

std::optional<BucketCharge> charge_address(const Guards& guards, const Exchange& x) {
  return charge(guards, x.route.policy.address_limit, address_subject(x));
}

Verdict identify(const Guards& guards, Exchange& x) {
  if (x.route.policy.roles.empty()) return std::nullopt;
  Result<safeguards::Caller> caller = guards.tokens.verify(x.request, x.now);
  if (caller) {
    x.caller = std::move(*caller);
  } else {
    x.unknown_caller = std::move(caller.error());
  }
  return std::nullopt;
}

std::optional<BucketCharge> charge_user(const Guards& guards, const Exchange& x) {
  return charge(guards, x.route.policy.user_limit,
                x.caller.user.empty() ? address_subject(x) : "user:" + x.caller.user);
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
  auto key = safeguards::idempotency_key(x.request);
  if (!key) return std::move(key.error());
  x.key = std::move(*key);
  if (!x.key && x.route.policy.key == Need::required) {
    return problem(ProblemCode::idempotency_key_missing,
                   "Send a fresh key with each new request, and the same one when you send it again.");
  }
  x.fingerprint = safeguards::fingerprint(x.request, x.body ? &*x.body : nullptr);
  return std::nullopt;
}

std::optional<BucketCharge> charge_live_keys(const Guards& guards, const Exchange& x) {
  if (!x.key || guards.live_keys.quota == 0) return std::nullopt;
  return BucketCharge{.limit = {"live-keys", guards.live_keys},
                      .shown = nullptr,
                      .subject = x.caller.user.empty() ? address_subject(x) : "user:" + x.caller.user,
                      .refusal = ProblemCode::too_many_live_keys};
}

Verdict read_tokens(const Guards&, Exchange& x) {
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
    {.name = "address limit",
     .reason = "before any work a stranger could make us do, verifying a token included",
     .charge = charge_address},
    {.name = "caller",
     .reason = "who is calling decides whose bucket is charged and whose keys are meant",
     .check = identify},
    {.name = "user limit",
     .reason = "after the token, so that nobody can drain another user's bucket by naming them; before a bad token is "
               "refused, so that who sends one is bounded too, by address",
     .charge = charge_user},
    {.name = "role",
     .reason = "refuses who is not known, or may not; before the body is looked at: who may not write learns nothing "
               "about what is valid",
     .check = check_roles},
    {.name = "body",
     .reason = "the fingerprint and the body's concurrency tokens need it parsed",
     .check = parse_input},
    {.name = "idempotency key", .reason = "nothing may run before it is known under which key", .check = read_key},
    {.name = "live keys",
     .reason = "a key that is well-formed and sent is about to be remembered: bounds what one user stores",
     .charge = charge_live_keys},
    {.name = "precondition token",
     .reason = "last: tokens are only parsed here and compared in the database, after the replay was looked for",
     .check = read_tokens},
};

}  // namespace

std::span<const Stage> stages() noexcept { return ordered; }

boost::asio::awaitable<std::optional<Problem>> run_chain(const Guards& guards, Exchange& x) {
  for (const Stage& stage : ordered) {
    if (stage.check != nullptr) {
      if (auto refusal = stage.check(guards, x)) co_return refusal;
      continue;
    }
    const auto charge = stage.charge(guards, x);
    if (!charge) continue;
    const safeguards::BucketRequest request{
        .policy = charge->limit.name, .subject = charge->subject, .rate = charge->limit.rate, .cost = 1};
    safeguards::BucketDecision decision;
    if (!guards.buckets.take_now(request, decision)) decision = co_await guards.buckets.take(request);
    if (charge->shown != nullptr) x.charged.push_back({charge->shown, decision});
    if (!decision.admitted) {
      Problem refusal = problem(charge->refusal);
      refusal.retry_after_seconds = safeguards::retry_after_seconds(decision);
      co_return refusal;
    }
  }
  co_return std::nullopt;
}

}  // namespace tenon::service
