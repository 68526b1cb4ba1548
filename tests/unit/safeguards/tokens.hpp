// Tokens written by hand, so that a test can sign what issue_token() never would.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "safeguards/hmac_sha256.hpp"

namespace tenon::safeguards {

inline const std::string token_secret = "an HS256 secret of thirty-two b.";  // 32 bytes
inline constexpr std::int64_t token_now_seconds = 1'764'652'871;             // 2025-12-02T05:21:11Z
inline constexpr Instant token_now{std::chrono::seconds{token_now_seconds}};

// header and claims as given, already encoded, under a right signature.
[[nodiscard]] inline std::string signed_parts(std::string_view header, std::string_view claims,
                                              std::string_view secret = token_secret) {
  std::string token = std::string(header) + "." + std::string(claims);
  return token + "." + base64url(as_text(HmacSha256Key(secret)(token)));
}

[[nodiscard]] inline std::string signed_token(std::string_view header, std::string_view claims,
                                              std::string_view secret = token_secret) {
  return signed_parts(base64url(header), base64url(claims), secret);
}

}  // namespace tenon::safeguards
