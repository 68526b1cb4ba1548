#include "base/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace tenon {
namespace {

constexpr bool is_between(unsigned char byte, unsigned char low, unsigned char high) noexcept {
  return byte >= low && byte <= high;
}

}  // namespace

// Only the second byte's range depends on the first one (RFC 3629 section 4).
std::size_t utf8_sequence_length(std::string_view bytes) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = is_between(first, 0xc2, 0xdf)   ? 2
                             : is_between(first, 0xe0, 0xef) ? 3
                             : is_between(first, 0xf0, 0xf4) ? 4
                                                             : 0;
  if (length == 0 || bytes.size() < length) return 0;
  const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (!is_between(at(1), low, high)) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (!is_between(at(i), 0x80, 0xbf)) return 0;
  }
  return length;
}

bool is_utf8(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    if (bytes.size() >= 8) {  // nearly all of our input is ASCII
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data(), 8);
      if ((word & 0x8080808080808080) == 0) {
        bytes.remove_prefix(8);
        continue;
      }
    }
    const std::size_t length = utf8_sequence_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

}  // namespace tenon
