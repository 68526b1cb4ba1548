// The character classes of RFC 9110, and comparing names in any case. ASCII only: no locale is ever asked.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace tenon::http::ascii {

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
[[nodiscard]] constexpr bool is_alnum(char c) noexcept { return is_digit(c) || is_alpha(c); }
[[nodiscard]] constexpr bool is_control(char c) noexcept { return (c >= '\0' && c < ' ') || c == '\x7f'; }
[[nodiscard]] constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

inline constexpr std::array<bool, 256> token_chars = [] {
  std::array<bool, 256> chars{};
  for (int c = 0; c < 128; ++c) chars[static_cast<std::size_t>(c)] = is_alnum(static_cast<char>(c));
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) chars[static_cast<unsigned char>(c)] = true;
  return chars;
}();
[[nodiscard]] constexpr bool is_token_char(char c) noexcept { return token_chars[static_cast<unsigned char>(c)]; }
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

// -1 where it is no hexadecimal digit.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

[[nodiscard]] constexpr bool equal_in_any_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::ranges::equal(a, b, {}, lower, lower);
}

[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace tenon::http::ascii
