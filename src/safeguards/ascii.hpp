// Names that HTTP compares without regard to case: ASCII only, whatever the locale.
#pragma once

#include <algorithm>
#include <string_view>

namespace tenon::safeguards {

[[nodiscard]] constexpr char ascii_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// `lower` is written in lower case.
[[nodiscard]] constexpr bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  return std::ranges::equal(text, lower, {}, ascii_lower);
}

}  // namespace tenon::safeguards
