// Who is calling: a bearer token (RFC 6750) that is a JWT (RFC 7519), signed with HS256, RS256, PS256, ES256 or EdDSA.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "encoding/json.hpp"
#include "http/message.hpp"

namespace tenon::safeguards {

// What a caller may be. Every valid token is `authenticated`; the others are claimed by name (TokenRules); names we do
// not know are ignored.
enum class Role : std::uint8_t { authenticated = 1, staff = 2, admin = 4, auditor = 8 };

class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(Role role) : bits_(static_cast<std::uint8_t>(role)) {}  // NOLINT: implicit on purpose
  [[nodiscard]] constexpr Roles operator|(Roles other) const noexcept {
    Roles all;
    all.bits_ = static_cast<std::uint8_t>(bits_ | other.bits_);
    return all;
  }
  [[nodiscard]] constexpr bool any_of(Roles wanted) const noexcept { return (bits_ & wanted.bits_) != 0; }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  constexpr bool operator==(const Roles&) const = default;

 private:
  std::uint8_t bits_ = 0;
};
[[nodiscard]] constexpr Roles operator|(Role a, Role b) noexcept { return Roles(a) | Roles(b); }
[[nodiscard]] std::optional<Role> role_named(std::string_view name) noexcept;
[[nodiscard]] std::string_view name_of(Role role) noexcept;
// The most powerful one, as audit entries show it: admin, auditor, staff, authenticated; empty for none.
[[nodiscard]] std::string_view leading_name(Roles roles) noexcept;
[[nodiscard]] std::string names_of(Roles roles);  // all of them, with spaces between

struct Caller {
  std::string user;  // 1 to limits::subject_bytes_max bytes, no control characters; empty: nobody is known
  Roles roles;
  std::int64_t expires = 0;  // `exp`, seconds since the epoch
};

// What is asked of every token's claims, whoever signed it.
struct TokenRules {
  std::string issuer = {};                  // `iss` must be just that; empty: not looked at
  std::vector<std::string> audiences = {};  // `aud` must name one of them; empty: not looked at
  std::int64_t leeway_seconds = 0;          // for exp, nbf and iat: 0 to 86400
  std::string user_claim = "sub";
  // The claim with the roles: a string, or an array of strings; one that ends in `scope` or `scp` may be a string of
  // several, with spaces (RFC 8693 section 4.2). Empty: `role` (a string) and `roles` (an array).
  std::string roles_claim = {};
  // Names in that claim, and the roles they mean: when there are any, no other name means a role. Empty: our own names.
  std::map<std::string, Role, std::less<>> roles = {};
  // Both claims are looked for by their whole name first, then as a path through objects: "realm_access.roles".
};

class HmacSha256Key;
class RevocationList;
class TokenCache;
class TokenKeyring;
struct TokenClaims;
struct TokenParts;

// Where a token's signature may come from, and what may end it early. What is null is not there.
struct TokenTrust {
  std::optional<std::string> secret = {};  // HS256; at least limits::secret_bytes_min bytes
  TokenKeyring* keys = nullptr;            // the other algorithms; told when a token names a key that is not there
  const RevocationList* revoked = nullptr;
};

class TokenVerifier {
 public:
  // std::invalid_argument for a secret that is too short and for a leeway out of range. What `trust` points to outlives
  // the verifier and its copies.
  explicit TokenVerifier(const TokenTrust& trust, TokenRules rules = {});
  explicit TokenVerifier(std::string_view secret, TokenRules rules = {});  // HS256 alone

  // unauthenticated: no Authorization header. token_invalid: two of them, not Bearer, or a token that is not a JWS
  // whose `alg` is that of a key we hold, under that key, with strict base64url, unique members, a usable user, integer
  // `exp` (required), `nbf`/`iat` when present, no `crit`, `typ` JWT or at+jwt when present, and by the rules. Keys
  // that the token itself names or carries (jku, jwk, x5u, x5c) are never looked at. token_not_yet_valid,
  // token_expired, token_revoked (in that order): it has no other fault. Before the signature has been found right
  // nothing of a token is read but `alg` and `kid`, which choose among our own keys. Pure and thread-safe.
  [[nodiscard]] Result<Caller> verify(const http::Request& request, Instant now) const;
  [[nodiscard]] Result<Caller> verify_token(std::string_view token, Instant now) const;

 private:
  [[nodiscard]] Result<TokenClaims> read_signed(std::string_view token) const;
  [[nodiscard]] bool is_signed_by_secret(const TokenParts& parts, std::string_view signature) const;
  [[nodiscard]] bool is_signed(const TokenParts& parts, const json::Object& header, std::string_view signature) const;

  std::shared_ptr<const HmacSha256Key> secret_;  // null: no HS256
  std::shared_ptr<TokenCache> cache_;            // of the copies together
  TokenKeyring* keys_;
  const RevocationList* revoked_;
  TokenRules rules_;
};

// A token that a TokenVerifier of that secret and those rules accepts (or calls expired, for a lifetime of zero or
// less). Roles other than `authenticated` are claimed. `token_id`: its `jti`, when not empty. std::invalid_argument for
// a secret or a user that it would refuse, and for a role that the rules have no name for.
[[nodiscard]] std::string issue_token(std::string_view secret, std::string_view user, Roles roles, Instant now,
                                      std::int64_t lifetime_seconds, const TokenRules& rules = {},
                                      std::string_view token_id = {});

// The WWW-Authenticate header for a refusal of verify(): RFC 6750 section 3.
[[nodiscard]] std::string www_authenticate(ProblemCode code);

}  // namespace tenon::safeguards
