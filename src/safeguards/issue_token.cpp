#include <stdexcept>

#include "base/bytes.hpp"
#include "base/json_string.hpp"
#include "base/utf8.hpp"
#include "safeguards/caller.hpp"
#include "safeguards/hmac_sha256.hpp"

namespace tenon::safeguards {
namespace {

std::string name_under(const TokenRules& rules, Role role) {
  if (rules.roles.empty()) return std::string(name_of(role));
  for (const auto& [name, meant] : rules.roles) {
    if (meant == role) return name;
  }
  throw std::invalid_argument("no name in a token means the role " + std::string(name_of(role)));
}

std::string roles_text(const TokenRules& rules, Roles roles) {
  std::string text = "[";
  for (const Role role : {Role::admin, Role::auditor, Role::staff}) {
    if (!roles.any_of(role)) continue;
    if (text.back() != '[') text += ',';
    append_json_string(text, name_under(rules, role));
  }
  return text + "]";
}

void add_text(std::string& claims, std::string_view name, std::string_view value) {
  append_json_string(claims, name);
  claims += ':';
  append_json_string(claims, value);
  claims += ',';
}

}  // namespace

std::string issue_token(std::string_view secret, std::string_view user, Roles roles, Instant now,
                        std::int64_t lifetime_seconds, const TokenRules& rules, std::string_view token_id) {
  const std::int64_t issued = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  std::int64_t expires = 0;
  if (__builtin_add_overflow(issued, lifetime_seconds, &expires))
    throw std::invalid_argument("a lifetime out of range");
  std::string claims = "{";
  add_text(claims, rules.user_claim, user);
  append_json_string(claims, rules.roles_claim.empty() ? "roles" : rules.roles_claim);
  claims += ":" + roles_text(rules, roles) + ",";
  if (!rules.issuer.empty()) add_text(claims, "iss", rules.issuer);
  if (!rules.audiences.empty()) add_text(claims, "aud", rules.audiences.front());
  if (!token_id.empty()) add_text(claims, "jti", token_id);
  claims += "\"iat\":" + std::to_string(issued) + ",\"exp\":" + std::to_string(expires) + "}";

  std::string token = base64url(R"({"alg":"HS256","typ":"JWT"})") + "." + base64url(claims);
  const TokenVerifier verifier(secret, rules);
  token += "." + base64url(as_text(HmacSha256Key(secret)(token)));
  // The promise to the caller is the verifier's own judgement, not a second list of rules.
  const auto judged = verifier.verify_token(token, now);
  if (!judged && judged.error().code != ProblemCode::token_expired) {
    throw std::invalid_argument("a token for this user would not be accepted: " + judged.error().detail);
  }
  if (!is_utf8(user)) throw std::invalid_argument("a token cannot name this user: it is not UTF-8");
  return token;
}

}  // namespace tenon::safeguards
