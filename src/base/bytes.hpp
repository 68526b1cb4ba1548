// Fixed-size byte values (UUIDs, digests), their text forms, and comparing secrets.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tenon {

// RFC 9562 UUID. Text form: lower case with dashes; parsing takes either case, dashes required.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
  [[nodiscard]] static std::optional<Uuid> parse(std::string_view text) noexcept;
  [[nodiscard]] std::string text() const;
};

using Digest = std::array<std::uint8_t, 32>;  // SHA-256

[[nodiscard]] Digest sha256(std::string_view bytes) noexcept;

// Cryptographically random; throws std::runtime_error when the system has no randomness to give.
void fill_random(std::span<std::uint8_t> out);
[[nodiscard]] Uuid random_uuid();  // version 4

// Takes the same time wherever the first difference lies. Different lengths compare unequal at once.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

// RFC 4648 section 5 without padding. Decoding is strict: no padding, no other characters, unused bits zero.
[[nodiscard]] std::string base64url(std::string_view bytes);
[[nodiscard]] std::optional<std::string> base64url_decode(std::string_view text);

[[nodiscard]] std::string hex(std::span<const std::uint8_t> bytes);

[[nodiscard]] inline std::string_view as_text(std::span<const std::uint8_t> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace tenon
