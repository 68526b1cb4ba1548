#include "safeguards/caller.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "encoding/json.hpp"
#include "http/ascii.hpp"
#include "safeguards/hmac_sha256.hpp"
#include "safeguards/token_cache.hpp"
#include "safeguards/token_claims.hpp"
#include "safeguards/token_key.hpp"

namespace tenon::safeguards {

// The JWS compact serialization: header "." claims "." signature, all of them still encoded.
struct TokenParts {
  std::string_view signed_text;  // header "." claims
  std::string_view header;
  std::string_view claims;
  std::string_view signature;
};

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

[[nodiscard]] Problem no_bearer_token() { return invalid("The Authorization header is not `Bearer` and one token."); }

// What follows "Bearer ": the scheme in any case, one space (RFC 6750 section 2.1).
[[nodiscard]] std::optional<std::string_view> bearer_token(std::string_view authorization) noexcept {
  constexpr std::string_view scheme = "bearer ";
  if (!http::ascii::equal_in_any_case(authorization.substr(0, scheme.size()), scheme)) return std::nullopt;
  const std::string_view token = authorization.substr(scheme.size());
  if (token.empty()) return std::nullopt;
  return token;
}

[[nodiscard]] std::optional<TokenParts> split(std::string_view token) noexcept {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return TokenParts{.signed_text = token.substr(0, second),
                    .header = token.substr(0, first),
                    .claims = token.substr(first + 1, second - first - 1),
                    .signature = token.substr(second + 1)};
}

// One JSON object in base64url; nothing when it is anything else.
[[nodiscard]] std::optional<json::Value> decode_object(std::string_view part) {
  const auto text = base64url_decode(part);
  if (!text) return std::nullopt;
  auto value = json::parse(*text);
  if (!value || value->object() == nullptr) return std::nullopt;
  return std::move(*value);
}

}  // namespace

TokenVerifier::TokenVerifier(const TokenTrust& trust, TokenRules rules)
    : cache_(std::make_shared<TokenCache>()), keys_(trust.keys), revoked_(trust.revoked), rules_(std::move(rules)) {
  if (rules_.leeway_seconds < 0 || rules_.leeway_seconds > leeway_seconds_max) {
    throw std::invalid_argument("a token leeway is between 0 and 86400 seconds");
  }
  if (!trust.secret) return;
  if (trust.secret->size() < limits::secret_bytes_min) {
    throw std::invalid_argument("a token secret needs at least " + std::to_string(limits::secret_bytes_min) + " bytes");
  }
  secret_ = std::make_shared<const HmacSha256Key>(*trust.secret);
}

TokenVerifier::TokenVerifier(std::string_view secret, TokenRules rules)
    : TokenVerifier(TokenTrust{.secret = std::string(secret)}, std::move(rules)) {}

Result<Caller> TokenVerifier::verify(const http::Request& request, Instant now) const {
  const auto [count, authorization] = request.find("Authorization");
  if (count == 0) return problem(ProblemCode::unauthenticated);
  if (count > 1) return invalid("There are several Authorization headers.");
  const auto token = bearer_token(authorization);
  if (!token) return no_bearer_token();
  Result<Caller> caller = verify_token(*token, now);
  // A good token is made of a token's characters: they are looked at only to say what is wrong with another one.
  if (caller || token->size() > limits::bearer_token_bytes_max) return caller;
  if (!std::ranges::all_of(*token, is_token_character)) return no_bearer_token();
  return caller;
}

bool TokenVerifier::is_signed_by_secret(const TokenParts& parts, std::string_view signature) const {
  return secret_ != nullptr && equal_in_constant_time(as_text((*secret_)(parts.signed_text)), signature);
}

bool TokenVerifier::is_signed(const TokenParts& parts, const json::Object& header, std::string_view signature) const {
  const json::Value* name = json::find(header, "alg");
  const auto algorithm = name == nullptr || name->string() == nullptr ? std::nullopt : algorithm_named(*name->string());
  if (!algorithm) return false;
  if (*algorithm == TokenAlgorithm::hs256) return is_signed_by_secret(parts, signature);
  if (keys_ == nullptr) return false;
  std::optional<std::string_view> id;
  if (const json::Value* kid = json::find(header, "kid")) {
    if (kid->string() == nullptr || kid->string()->size() > limits::key_id_bytes_max) return false;
    id = *kid->string();
  }
  const std::shared_ptr<const TokenKeys> keys = keys_->current();
  const TokenKey* key = keys->find(*algorithm, id);
  if (key == nullptr) keys_->miss();
  return key != nullptr && key->verifier(parts.signed_text, signature);
}

Result<Caller> TokenVerifier::verify_token(std::string_view token, Instant now) const {
  // Taken before the keys are looked at: keys that come in between make what is kept look old, never new.
  const std::uint64_t keys_version = keys_ == nullptr ? 0 : keys_->version();
  std::shared_ptr<const TokenClaims> claims = cache_->find(token, keys_version);
  if (claims == nullptr) {
    Result<TokenClaims> read = read_signed(token);
    if (!read) return std::move(read.error());
    claims = std::make_shared<const TokenClaims>(*std::move(read));
    cache_->keep(token, keys_version, claims);
  }
  if (auto refusal = untimely(*claims, rules_.leeway_seconds, revoked_, now)) return std::move(*refusal);
  return claims->caller;
}

Result<TokenClaims> TokenVerifier::read_signed(std::string_view token) const {
  if (token.size() > limits::bearer_token_bytes_max) return invalid("The token is too long.");
  const auto parts = split(token);
  if (!parts) return does_not_verify();
  const auto signature = base64url_decode(parts->signature);
  if (!signature) return does_not_verify();
  std::optional<json::Value> header;  // of an unusual one
  if (parts->header == usual_header) {
    if (!is_signed_by_secret(*parts, *signature)) return does_not_verify();
  } else {
    header = decode_object(parts->header);
    if (!header || !is_signed(*parts, *header->object(), *signature)) return does_not_verify();
  }

  // From here on the token was written by somebody who holds a key: what is wrong with it may be said.
  if (header) {
    if (const auto trouble = header_trouble(*header->object()); !trouble.empty()) return invalid(std::string(trouble));
  }
  const auto claims = decode_object(parts->claims);
  if (!claims) return invalid("The token's claims are not base64url of one JSON object with unique members.");
  return read_claims(*claims->object(), rules_);
}

}  // namespace tenon::safeguards
