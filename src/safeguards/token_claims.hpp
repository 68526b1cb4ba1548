// What the two JSON parts of a JWT say, once its signature is known to be right.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "encoding/json.hpp"
#include "safeguards/caller.hpp"
#include "safeguards/revocations.hpp"

namespace tenon::safeguards {

// The instants a token may speak of end with the year 9999: later ones cannot be written as a date, and would overflow.
inline constexpr std::int64_t token_seconds_max = 253'402'300'799;

// Empty when the protected header asks for nothing that is not understood: typ missing, JWT or at+jwt, no crit; else
// what it asks for. Its alg was judged when the key was chosen.
[[nodiscard]] std::string_view header_trouble(const json::Object& header);

// What a token says, with all that time cannot change about it in order.
struct TokenClaims {
  Caller caller;
  std::string token_id;  // `jti`; empty: it has none
  std::optional<std::int64_t> issued;
  std::optional<std::int64_t> not_before;
};
[[nodiscard]] Result<TokenClaims> read_claims(const json::Object& claims, const TokenRules& rules);

// What time and revocations (which may be null) say about it: token_invalid (from the future), token_not_yet_valid,
// token_expired, token_revoked.
[[nodiscard]] std::optional<Problem> untimely(const TokenClaims& claims, std::int64_t leeway_seconds,
                                              const RevocationList* revoked, Instant now);

// The claim of that name, or at that path of names with dots between; null when it is not there.
[[nodiscard]] const json::Value* find_claim(const json::Object& claims, std::string_view path);

}  // namespace tenon::safeguards
