// Who is calling: a bearer token (RFC 6750) that is a JWT (RFC 7519), HS256.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/message.hpp"

namespace tenon::safeguards {

// What a caller may be. Every valid token is `authenticated`; the others are claimed by name in the token's `role` (a
// string) or `roles` (an array of strings); names we do not know are ignored.
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

struct Caller {
  std::string user;  // `sub`: 1 to limits::subject_bytes_max bytes, no control characters; empty: nobody is known
  Roles roles;
  std::int64_t expires = 0;  // `exp`, seconds since the epoch
};

// Whom a token must come from (`iss`) and be meant for (`aud`). One that is empty is not looked at.
struct TokenScope {
  std::string issuer;
  std::string audience;
};

class HmacSha256Key;

class TokenVerifier {
 public:
  // `secret`: at least limits::secret_bytes_min bytes, else std::invalid_argument. `leeway_seconds` for exp, nbf and
  // iat.
  explicit TokenVerifier(std::string_view secret, std::int64_t leeway_seconds = 0, TokenScope scope = {});

  // unauthenticated: no Authorization header. token_invalid: two of them, not Bearer, or a token that is not a JWS of
  // exactly `alg: HS256` under our secret with strict base64url, unique members, a usable `sub`, integer `exp`
  // (required), `nbf`/`iat` when present, no `crit`, `typ` JWT or at+jwt when present, and the scope asked for. Keys
  // that the token itself names or carries (jku, jwk, x5u, x5c) are never looked at. token_expired: it would be valid
  // were it not past its `exp`. Nothing of a token is read before its signature has been found right. Pure and
  // thread-safe.
  [[nodiscard]] Result<Caller> verify(const http::Request& request, Instant now) const;
  [[nodiscard]] Result<Caller> verify_token(std::string_view token, Instant now) const;

 private:
  std::shared_ptr<const HmacSha256Key> key_;
  std::int64_t leeway_seconds_;
  TokenScope scope_;
};

// A token that TokenVerifier accepts (or calls expired, for a lifetime of zero or less). Roles other than
// `authenticated` go into `roles`. std::invalid_argument for a secret or a user that it would refuse.
[[nodiscard]] std::string issue_token(std::string_view secret, std::string_view user, Roles roles, Instant now,
                                      std::int64_t lifetime_seconds);

// The WWW-Authenticate header for a refusal of verify(): RFC 6750 section 3.
[[nodiscard]] std::string www_authenticate(ProblemCode code);

}  // namespace tenon::safeguards
