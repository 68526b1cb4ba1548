#include "http/request_id.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <span>

#include "base/bytes.hpp"

namespace tenon::http {
namespace {

// Each byte's two digits.
constexpr auto hex_pairs = [] {
  std::array<std::array<char, 2>, 256> pairs{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    pairs[byte] = {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  }
  return pairs;
}();

}  // namespace

RequestIds::RequestIds() {
  fill_random({reinterpret_cast<std::uint8_t*>(state_.data()), sizeof state_});
  state_[0] |= 1;  // the one state that it never leaves is all zeros
}

std::uint64_t RequestIds::next() noexcept {
  auto& s = state_;
  const std::uint64_t result = std::rotl(s[0] + s[3], 23) + s[0];
  const std::uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

void RequestIds::append_next(std::string& out) {
  std::array<char, 32> digits;
  for (std::size_t half = 0; half < digits.size(); half += 16) {
    const std::uint64_t bits = next();
    for (std::size_t i = 0; i < 8; ++i) std::memcpy(&digits[half + 2 * i], hex_pairs[bits >> 8 * i & 255].data(), 2);
  }
  out.append(digits.data(), digits.size());
}

}  // namespace tenon::http
