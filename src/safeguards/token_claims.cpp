#include "safeguards/token_claims.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "base/limits.hpp"
#include "http/ascii.hpp"

namespace tenon::safeguards {
namespace {

// `iat` gives no right, and clocks of two machines differ: only a token from further ahead than this is refused.
constexpr std::int64_t issued_ahead_seconds_max = 60;

[[nodiscard]] Problem invalid(std::string detail) { return problem(ProblemCode::token_invalid, std::move(detail)); }

// A user's name goes into logs, audit entries and keys of tables: no C0 or C1 control, no line or paragraph separator.
[[nodiscard]] bool usable_subject(std::string_view subject) noexcept {
  if (subject.empty() || subject.size() > limits::subject_bytes_max) return false;
  for (std::size_t at = 0; at < subject.size(); ++at) {
    const auto byte = static_cast<unsigned char>(subject[at]);
    if (byte < 0x20 || byte == 0x7f) return false;
    const std::string_view rest = subject.substr(at);
    if (byte == 0xc2 && rest.size() > 1 && static_cast<unsigned char>(rest[1]) < 0xa0) return false;
    if (rest.starts_with("\u2028") || rest.starts_with("\u2029")) return false;
  }
  return true;
}

// A claim that is a moment: nothing when it is not there, nothing inside when it is not an integer in range.
[[nodiscard]] std::optional<std::optional<std::int64_t>> moment(const json::Object& claims, std::string_view name) {
  const json::Value* claim = json::find(claims, name);
  if (claim == nullptr) return std::nullopt;
  if (claim->number() == nullptr) return std::optional<std::int64_t>{};
  const auto seconds = json::integer(*claim->number());
  if (!seconds || *seconds < 0 || *seconds > token_seconds_max) return std::optional<std::int64_t>{};
  return seconds;
}

// Of the moments, `exp` is judged last: an expired token is one without other faults.
struct Moments {
  std::int64_t expires = 0;
  std::string_view trouble;
};
[[nodiscard]] Moments read_moments(const json::Object& claims, std::int64_t leeway, std::int64_t now) {
  const auto expires = moment(claims, "exp");
  const auto not_before = moment(claims, "nbf");
  const auto issued = moment(claims, "iat");
  if (!expires) return {.trouble = "The token has no `exp`."};
  if (!*expires) return {.trouble = "The token's `exp` is not a whole number of seconds since 1970."};
  if (not_before && !*not_before) return {.trouble = "The token's `nbf` is not a whole number of seconds since 1970."};
  if (issued && !*issued) return {.trouble = "The token's `iat` is not a whole number of seconds since 1970."};
  if (not_before && **not_before > now + leeway) return {.trouble = "The token is not valid yet."};
  if (issued && **issued > now + std::max(leeway, issued_ahead_seconds_max)) {
    return {.trouble = "The token was issued in the future."};
  }
  return {.expires = **expires, .trouble = {}};
}

// Adds the roles we know. False when the claim is not what it should be: a role is never guessed.
[[nodiscard]] bool add_role(Roles& roles, const json::Value& name) {
  if (name.string() == nullptr) return false;
  if (const auto role = role_named(*name.string())) roles = roles | *role;
  return true;
}

[[nodiscard]] std::optional<Roles> read_roles(const json::Object& claims) {
  Roles roles = Role::authenticated;
  if (const json::Value* role = json::find(claims, "role"); role != nullptr && !add_role(roles, *role))
    return std::nullopt;
  if (const json::Value* list = json::find(claims, "roles")) {
    if (list->array() == nullptr) return std::nullopt;
    const bool well_formed =
        std::ranges::all_of(*list->array(), [&](const json::Value& role) { return add_role(roles, role); });
    if (!well_formed) return std::nullopt;
  }
  return roles;
}

[[nodiscard]] bool is_text(const json::Value& value, std::string_view text) {
  return value.string() != nullptr && *value.string() == text;
}

[[nodiscard]] bool within(const TokenScope& scope, const json::Object& claims) {
  if (!scope.issuer.empty()) {
    const json::Value* issuer = json::find(claims, "iss");
    if (issuer == nullptr || !is_text(*issuer, scope.issuer)) return false;
  }
  if (scope.audience.empty()) return true;
  const json::Value* audience = json::find(claims, "aud");
  if (audience == nullptr) return false;
  if (audience->array() == nullptr) return is_text(*audience, scope.audience);
  return std::ranges::any_of(*audience->array(), [&](const json::Value& one) { return is_text(one, scope.audience); });
}

}  // namespace

std::string_view header_trouble(const json::Value& header) {
  if (header.object() == nullptr) return "The token's header is not a JSON object.";
  const json::Value* algorithm = json::find(*header.object(), "alg");
  if (algorithm == nullptr || !is_text(*algorithm, "HS256")) return "The token's `alg` is not HS256.";
  // No extension is understood here, so that whatever `crit` demands cannot be honoured.
  if (json::find(*header.object(), "crit") != nullptr) return "The token's `crit` names what is not understood.";
  if (const json::Value* type = json::find(*header.object(), "typ")) {
    const std::string* name = type->string();
    if (name == nullptr ||
        (!http::ascii::equal_in_any_case(*name, "jwt") && !http::ascii::equal_in_any_case(*name, "at+jwt"))) {
      return "The token's `typ` is neither JWT nor at+jwt.";
    }
  }
  return {};
}

Result<Caller> caller_of_claims(const json::Value& claims, const TokenScope& scope, std::int64_t leeway_seconds,
                                Instant now) {
  const json::Object* members = claims.object();
  if (members == nullptr) return invalid("The token's claims are not a JSON object.");
  const std::int64_t seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();

  const json::Value* subject = json::find(*members, "sub");
  if (subject == nullptr || subject->string() == nullptr || !usable_subject(*subject->string())) {
    return invalid("The token's `sub` is missing, empty, too long or has control characters.");
  }
  const auto roles = read_roles(*members);
  if (!roles) return invalid("The token's `role` is not a string or its `roles` not an array of strings.");
  if (!within(scope, *members)) return invalid("The token is from another issuer or for another audience.");
  const Moments moments = read_moments(*members, leeway_seconds, seconds);
  if (!moments.trouble.empty()) return invalid(std::string(moments.trouble));
  if (seconds >= moments.expires + leeway_seconds) return problem(ProblemCode::token_expired);
  return Caller{.user = *subject->string(), .roles = *roles, .expires = moments.expires};
}

}  // namespace tenon::safeguards
