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

struct Moments {
  std::int64_t expires = 0;
  std::optional<std::int64_t> issued;
  std::optional<std::int64_t> not_before;
  std::string_view trouble;
};
[[nodiscard]] Moments read_moments(const json::Object& claims) {
  const auto expires = moment(claims, "exp");
  const auto not_before = moment(claims, "nbf");
  const auto issued = moment(claims, "iat");
  if (!expires) return {.issued = {}, .not_before = {}, .trouble = "The token has no `exp`."};
  if (!*expires) {
    return {
        .issued = {}, .not_before = {}, .trouble = "The token's `exp` is not a whole number of seconds since 1970."};
  }
  if (not_before && !*not_before) {
    return {
        .issued = {}, .not_before = {}, .trouble = "The token's `nbf` is not a whole number of seconds since 1970."};
  }
  if (issued && !*issued) {
    return {
        .issued = {}, .not_before = {}, .trouble = "The token's `iat` is not a whole number of seconds since 1970."};
  }
  return {.expires = **expires,
          .issued = issued ? *issued : std::nullopt,
          .not_before = not_before ? *not_before : std::nullopt,
          .trouble = {}};
}

void add_role(Roles& roles, std::string_view name, const TokenRules& rules) {
  if (!rules.roles.empty()) {
    const auto meant = rules.roles.find(name);
    if (meant != rules.roles.end()) roles = roles | meant->second;
  } else if (const auto role = role_named(name)) {
    roles = roles | *role;
  }
}

// False when the claim is not what it should be: a role is never guessed.
[[nodiscard]] bool add_list(Roles& roles, const json::Value& list, const TokenRules& rules) {
  if (list.array() == nullptr) return false;
  return std::ranges::all_of(*list.array(), [&](const json::Value& name) {
    if (name.string() == nullptr) return false;
    add_role(roles, *name.string(), rules);
    return true;
  });
}

[[nodiscard]] bool is_scope(std::string_view claim) noexcept {
  const std::string_view last = claim.substr(claim.rfind('.') + 1);
  return last == "scope" || last == "scp";
}

void add_scopes(Roles& roles, std::string_view scopes, const TokenRules& rules) {
  while (!scopes.empty()) {
    const std::string_view one = scopes.substr(0, scopes.find(' '));
    add_role(roles, one, rules);
    scopes.remove_prefix(std::min(one.size() + 1, scopes.size()));
  }
}

[[nodiscard]] std::optional<Roles> read_roles(const json::Object& claims, const TokenRules& rules) {
  Roles roles = Role::authenticated;
  if (!rules.roles_claim.empty()) {
    const json::Value* claim = find_claim(claims, rules.roles_claim);
    if (claim == nullptr) return roles;
    if (claim->string() == nullptr) return add_list(roles, *claim, rules) ? std::optional(roles) : std::nullopt;
    if (is_scope(rules.roles_claim)) {
      add_scopes(roles, *claim->string(), rules);
    } else {
      add_role(roles, *claim->string(), rules);
    }
    return roles;
  }
  if (const json::Value* role = json::find(claims, "role")) {
    if (role->string() == nullptr) return std::nullopt;
    add_role(roles, *role->string(), rules);
  }
  const json::Value* list = json::find(claims, "roles");
  if (list != nullptr && !add_list(roles, *list, rules)) return std::nullopt;
  return roles;
}

[[nodiscard]] bool is_text(const json::Value& value, std::string_view text) {
  return value.string() != nullptr && *value.string() == text;
}

[[nodiscard]] bool is_one_of(const json::Value& value, const std::vector<std::string>& texts) {
  return std::ranges::any_of(texts, [&](const std::string& text) { return is_text(value, text); });
}

[[nodiscard]] bool is_for_us(const json::Object& claims, const TokenRules& rules) {
  if (!rules.issuer.empty()) {
    const json::Value* issuer = json::find(claims, "iss");
    if (issuer == nullptr || !is_text(*issuer, rules.issuer)) return false;
  }
  if (rules.audiences.empty()) return true;
  const json::Value* audience = json::find(claims, "aud");
  if (audience == nullptr) return false;
  if (audience->array() == nullptr) return is_one_of(*audience, rules.audiences);
  return std::ranges::any_of(*audience->array(),
                             [&](const json::Value& one) { return is_one_of(one, rules.audiences); });
}

// The token's `jti`, empty when it has none; nothing when it is not what it should be.
[[nodiscard]] std::optional<std::string_view> read_token_id(const json::Object& claims) {
  const json::Value* id = json::find(claims, "jti");
  if (id == nullptr) return "";
  if (id->string() == nullptr || id->string()->empty() || id->string()->size() > limits::token_id_bytes_max) {
    return std::nullopt;
  }
  return *id->string();
}

}  // namespace

const json::Value* find_claim(const json::Object& claims, std::string_view path) {
  if (const json::Value* whole = json::find(claims, path)) return whole;
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const json::Value* outer = json::find(claims, path.substr(0, dot));
  if (outer == nullptr || outer->object() == nullptr) return nullptr;
  return find_claim(*outer->object(), path.substr(dot + 1));
}

std::string_view header_trouble(const json::Object& header) {
  // No extension is understood here, so that whatever `crit` demands cannot be honoured.
  if (json::find(header, "crit") != nullptr) return "The token's `crit` names what is not understood.";
  if (const json::Value* type = json::find(header, "typ")) {
    const std::string* name = type->string();
    if (name == nullptr ||
        (!http::ascii::equal_in_any_case(*name, "jwt") && !http::ascii::equal_in_any_case(*name, "at+jwt"))) {
      return "The token's `typ` is neither JWT nor at+jwt.";
    }
  }
  return {};
}

Result<TokenClaims> read_claims(const json::Object& claims, const TokenRules& rules) {
  const json::Value* subject = find_claim(claims, rules.user_claim);
  if (subject == nullptr || subject->string() == nullptr || !usable_subject(*subject->string())) {
    return invalid("The token's `" + rules.user_claim + "` is missing, empty, too long or has control characters.");
  }
  const auto roles = read_roles(claims, rules);
  if (!roles) {
    return invalid(rules.roles_claim.empty()
                       ? "The token's `role` is not a string or its `roles` not an array of strings."
                       : "The token's `" + rules.roles_claim + "` is neither a string nor an array of strings.");
  }
  const auto token_id = read_token_id(claims);
  if (!token_id) return invalid("The token's `jti` is not a string of 1 to 200 bytes.");
  if (!is_for_us(claims, rules)) return invalid("The token is from another issuer or for another audience.");
  const Moments moments = read_moments(claims);
  if (!moments.trouble.empty()) return invalid(std::string(moments.trouble));
  return TokenClaims{.caller = {.user = *subject->string(), .roles = *roles, .expires = moments.expires},
                     .token_id = std::string(*token_id),
                     .issued = moments.issued,
                     .not_before = moments.not_before};
}

std::optional<Problem> untimely(const TokenClaims& claims, std::int64_t leeway_seconds, const RevocationList* revoked,
                                Instant now) {
  const std::int64_t seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (claims.issued && *claims.issued > seconds + std::max(leeway_seconds, issued_ahead_seconds_max)) {
    return invalid("The token was issued in the future.");
  }
  if (claims.not_before && *claims.not_before > seconds + leeway_seconds) {
    return problem(ProblemCode::token_not_yet_valid);
  }
  if (seconds >= claims.caller.expires + leeway_seconds) return problem(ProblemCode::token_expired);
  const TokenIdentity identity{.user = claims.caller.user, .token_id = claims.token_id, .issued = claims.issued};
  if (revoked != nullptr && revoked->revoked(identity, leeway_seconds, now)) return problem(ProblemCode::token_revoked);
  return std::nullopt;
}

}  // namespace tenon::safeguards
