// Is a text free of some characters? Eight of them at a time, as it is asked of every line that comes in or goes out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tenon {

// Eight characters in a word. Each test sets the high bit of the characters that it is true of, and perhaps of some
// that follow one: it is right about whether there are any.
struct EightCharacters {
  std::uint64_t word;

  // c: at most 0x80.
  [[nodiscard]] constexpr std::uint64_t below(char c) const noexcept { return (word - of(c)) & ~word & high; }
  [[nodiscard]] constexpr std::uint64_t from_delete_on() const noexcept {
    return (word | (word + each)) & high;
  }  // 0x7f
  [[nodiscard]] constexpr std::uint64_t equal(char c) const noexcept {
    const std::uint64_t difference = word ^ of(c);
    return (difference - each) & ~difference & high;
  }

 private:
  static constexpr std::uint64_t each = 0x0101010101010101;
  static constexpr std::uint64_t high = each * 0x80;
  [[nodiscard]] static constexpr std::uint64_t of(char c) noexcept { return each * static_cast<unsigned char>(c); }
};

// Every character is as `is_right` says. `any_wrong`, of EightCharacters, says the same of eight: zero when all are
// right.
template <class AnyWrong, class IsRight>
[[nodiscard]] bool all_right(std::string_view text, const AnyWrong& any_wrong, const IsRight& is_right) noexcept {
  for (; text.size() >= 8; text.remove_prefix(8)) {
    EightCharacters eight{};
    std::memcpy(&eight.word, text.data(), sizeof eight.word);
    if (any_wrong(eight) != 0) return false;
  }
  return std::ranges::all_of(text, is_right);
}

}  // namespace tenon
