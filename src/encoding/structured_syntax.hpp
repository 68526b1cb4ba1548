// The character classes and number bounds of RFC 9651, shared by its parser and serializer.
#pragma once

#include <cstdint>
#include <string_view>

namespace tenon::structured {

inline constexpr std::int64_t integer_max = 999'999'999'999'999;              // 15 digits
inline constexpr std::int64_t decimal_thousandths_max = 999'999'999'999'999;  // 12 digits, then 3 of fraction

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
constexpr bool is_alpha(char c) noexcept { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
constexpr bool is_printable(char c) noexcept { return c >= 0x20 && c <= 0x7e; }

constexpr bool begins_key(char c) noexcept { return is_lower(c) || c == '*'; }
constexpr bool continues_key(char c) noexcept {
  return is_lower(c) || is_digit(c) || std::string_view("_-.*").contains(c);
}
constexpr bool begins_token(char c) noexcept { return is_alpha(c) || c == '*'; }
constexpr bool continues_token(char c) noexcept {
  return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~:/").contains(c);
}

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace tenon::structured
