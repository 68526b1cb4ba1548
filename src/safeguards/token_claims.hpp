// What the two JSON parts of a JWT say, once its signature is known to be right.
#pragma once

#include <cstdint>
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

// token_invalid; or token_not_yet_valid, token_expired, token_revoked when nothing else is wrong. `revoked` may be
// null.
[[nodiscard]] Result<Caller> caller_of_claims(const json::Value& claims, const TokenRules& rules,
                                              const RevocationList* revoked, Instant now);

// The claim of that name, or at that path of names with dots between; null when it is not there.
[[nodiscard]] const json::Value* find_claim(const json::Object& claims, std::string_view path);

}  // namespace tenon::safeguards
