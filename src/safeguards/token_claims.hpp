// What the two JSON parts of a JWT say, once its signature is known to be right.
#pragma once

#include <cstdint>
#include <string_view>

#include "encoding/json.hpp"
#include "safeguards/caller.hpp"

namespace tenon::safeguards {

// The instants a token may speak of end with the year 9999: later ones cannot be written as a date, and would overflow.
inline constexpr std::int64_t token_seconds_max = 253'402'300'799;

// Empty when the protected header is one we verify: alg HS256, typ missing, JWT or at+jwt, no crit; else why not.
[[nodiscard]] std::string_view header_trouble(const json::Value& header);

// token_invalid, or token_expired when nothing else is wrong.
[[nodiscard]] Result<Caller> caller_of_claims(const json::Value& claims, const TokenScope& scope,
                                              std::int64_t leeway_seconds, Instant now);

}  // namespace tenon::safeguards
