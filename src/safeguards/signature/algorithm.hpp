// The signature algorithms of RFC 9421 section 3.3 that are verified and made here.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tenon::signature {

enum class Algorithm : std::uint8_t { hmac_sha256, ed25519, ecdsa_p256_sha256, rsa_pss_sha512, rsa_v1_5_sha256 };

inline constexpr Algorithm algorithms[] = {Algorithm::hmac_sha256, Algorithm::ed25519, Algorithm::ecdsa_p256_sha256,
                                           Algorithm::rsa_pss_sha512, Algorithm::rsa_v1_5_sha256};

// As in the registry of RFC 9421 section 6.2: "ecdsa-p256-sha256".
[[nodiscard]] constexpr std::string_view name_of(Algorithm algorithm) noexcept {
  switch (algorithm) {
    case Algorithm::hmac_sha256:
      return "hmac-sha256";
    case Algorithm::ed25519:
      return "ed25519";
    case Algorithm::ecdsa_p256_sha256:
      return "ecdsa-p256-sha256";
    case Algorithm::rsa_pss_sha512:
      return "rsa-pss-sha512";
    case Algorithm::rsa_v1_5_sha256:
      return "rsa-v1_5-sha256";
  }
  return "";
}

[[nodiscard]] constexpr std::optional<Algorithm> algorithm_named(std::string_view name) noexcept {
  for (const Algorithm algorithm : algorithms) {
    if (name_of(algorithm) == name) return algorithm;
  }
  return std::nullopt;
}

}  // namespace tenon::signature
