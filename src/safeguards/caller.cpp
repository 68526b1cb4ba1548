#include "safeguards/caller.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/json_string.hpp"
#include "base/limits.hpp"
#include "base/utf8.hpp"
#include "encoding/json.hpp"
#include "http/ascii.hpp"
#include "safeguards/hmac_sha256.hpp"
#include "safeguards/token_claims.hpp"

namespace tenon::safeguards {
namespace {

// {"alg":"HS256","typ":"JWT"}, which nearly every token begins with: known to be good, so it is not parsed again.
constexpr std::string_view usual_header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

// Leeways beyond a day are slips of a decimal point, and would overflow in the end.
constexpr std::int64_t leeway_seconds_max = 86'400;

[[nodiscard]] Problem invalid(std::string detail) { return problem(ProblemCode::token_invalid, std::move(detail)); }

// One sentence for everything up to the signature: who forges a token learns nothing from how it failed.
[[nodiscard]] Problem does_not_verify() { return invalid("The token does not verify."); }

[[nodiscard]] constexpr bool is_token_character(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~+/=").find(c) != std::string_view::npos;
}

// The token of "Bearer <token>": the scheme in any case, one space (RFC 6750 section 2.1).
[[nodiscard]] std::optional<std::string_view> bearer_token(std::string_view authorization) noexcept {
  constexpr std::string_view scheme = "bearer ";
  if (!http::ascii::equal_in_any_case(authorization.substr(0, scheme.size()), scheme)) return std::nullopt;
  const std::string_view token = authorization.substr(scheme.size());
  if (token.size() > limits::bearer_token_bytes_max) return token;  // refused for its length, before it is read
  if (token.empty() || !std::ranges::all_of(token, is_token_character)) return std::nullopt;
  return token;
}

// The JWS compact serialization: header "." claims "." signature, all of them still encoded.
struct Parts {
  std::string_view signed_text;  // header "." claims
  std::string_view header;
  std::string_view claims;
  std::string_view signature;
};
[[nodiscard]] std::optional<Parts> split(std::string_view token) noexcept {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return Parts{.signed_text = token.substr(0, second),
               .header = token.substr(0, first),
               .claims = token.substr(first + 1, second - first - 1),
               .signature = token.substr(second + 1)};
}

[[nodiscard]] Result<json::Value> decode_json(std::string_view part) {
  const auto text = base64url_decode(part);
  if (!text) return invalid("A part of the token is not base64url.");
  return json::parse(*text);
}

[[nodiscard]] std::string claims_text(std::string_view user, Roles roles, std::int64_t issued, std::int64_t expires) {
  std::string text = R"({"sub":)";
  append_json_string(text, user);
  text += R"(,"roles":[)";
  for (const Role role : {Role::admin, Role::auditor, Role::staff}) {
    if (!roles.any_of(role)) continue;
    if (text.back() != '[') text += ',';
    append_json_string(text, name_of(role));
  }
  return text + R"(],"iat":)" + std::to_string(issued) + R"(,"exp":)" + std::to_string(expires) + "}";
}

}  // namespace

TokenVerifier::TokenVerifier(std::string_view secret, std::int64_t leeway_seconds, TokenScope scope)
    : leeway_seconds_(leeway_seconds), scope_(std::move(scope)) {
  if (secret.size() < limits::secret_bytes_min) {
    throw std::invalid_argument("a token secret needs at least " + std::to_string(limits::secret_bytes_min) + " bytes");
  }
  if (leeway_seconds < 0 || leeway_seconds > leeway_seconds_max) {
    throw std::invalid_argument("a token leeway is between 0 and 86400 seconds");
  }
  key_ = std::make_shared<const HmacSha256Key>(secret);
}

Result<Caller> TokenVerifier::verify(const http::Request& request, Instant now) const {
  const auto authorization = request.header("Authorization");
  if (!authorization) {
    if (request.count("Authorization") == 0) return problem(ProblemCode::unauthenticated);
    return invalid("There are several Authorization headers.");
  }
  const auto token = bearer_token(*authorization);
  if (!token) return invalid("The Authorization header is not `Bearer` and one token.");
  return verify_token(*token, now);
}

Result<Caller> TokenVerifier::verify_token(std::string_view token, Instant now) const {
  if (token.size() > limits::bearer_token_bytes_max) return invalid("The token is too long.");
  const auto parts = split(token);
  if (!parts) return does_not_verify();
  const auto signature = base64url_decode(parts->signature);
  if (!signature) return does_not_verify();
  if (!equal_in_constant_time(as_text((*key_)(parts->signed_text)), *signature)) return does_not_verify();

  // From here on the token was written by somebody who holds the secret: what is wrong with it may be said.
  if (parts->header != usual_header) {
    const auto header = decode_json(parts->header);
    if (!header) return invalid("The token's header is not base64url of one JSON object with unique members.");
    if (const std::string_view trouble = header_trouble(*header); !trouble.empty())
      return invalid(std::string(trouble));
  }
  const auto claims = decode_json(parts->claims);
  if (!claims) return invalid("The token's claims are not base64url of one JSON object with unique members.");
  return caller_of_claims(*claims, scope_, leeway_seconds_, now);
}

std::string issue_token(std::string_view secret, std::string_view user, Roles roles, Instant now,
                        std::int64_t lifetime_seconds) {
  const std::int64_t issued = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  std::int64_t expires = 0;
  if (__builtin_add_overflow(issued, lifetime_seconds, &expires))
    throw std::invalid_argument("a lifetime out of range");
  std::string token = std::string(usual_header) + "." + base64url(claims_text(user, roles, issued, expires));
  const TokenVerifier verifier(secret);
  token += "." + base64url(as_text(HmacSha256Key(secret)(token)));
  // The promise to the caller is the verifier's own judgement, not a second list of rules.
  const auto judged = verifier.verify_token(token, now);
  if (!judged && judged.error().code != ProblemCode::token_expired) {
    throw std::invalid_argument("a token for this user would not be accepted: " + judged.error().detail);
  }
  if (!is_utf8(user)) throw std::invalid_argument("a token cannot name this user: it is not UTF-8");
  return token;
}

std::string www_authenticate(ProblemCode code) {
  const std::string challenge = R"(Bearer realm="tenon")";
  switch (code) {
    case ProblemCode::token_invalid:
      return challenge + R"(, error="invalid_token", error_description="The access token is not valid")";
    case ProblemCode::token_expired:
      return challenge + R"(, error="invalid_token", error_description="The access token expired")";
    case ProblemCode::forbidden:
      return challenge + R"(, error="insufficient_scope")";
    default:
      return challenge;
  }
}

}  // namespace tenon::safeguards
