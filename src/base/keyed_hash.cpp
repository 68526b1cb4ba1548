#include "base/keyed_hash.hpp"

#include <bit>
#include <cstring>
#include <span>

#include "base/bytes.hpp"

namespace tenon {
namespace {

struct State {
  std::uint64_t v0, v1, v2, v3;

  constexpr void round() noexcept {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  constexpr void absorb(std::uint64_t word) noexcept {
    v3 ^= word;
    round();
    v0 ^= word;
  }
};

static_assert(std::endian::native == std::endian::little, "SipHash reads its words little-endian");

}  // namespace

KeyedHash::KeyedHash() : secret_{} {
  std::array<std::uint8_t, sizeof secret_> random{};
  fill_random(random);
  std::memcpy(secret_.data(), random.data(), random.size());
}

std::uint64_t KeyedHash::operator()(std::string_view bytes) const noexcept {
  State s{secret_[0] ^ 0x736f6d6570736575, secret_[1] ^ 0x646f72616e646f6d, secret_[0] ^ 0x6c7967656e657261,
          secret_[1] ^ 0x7465646279746573};
  const std::size_t whole = bytes.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    s.absorb(word);
  }
  std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56;
  for (std::size_t i = whole; i < bytes.size(); ++i) {
    last |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes[i])) << (8 * (i - whole));
  }
  s.absorb(last);
  s.v2 ^= 0xff;
  for (int i = 0; i < 3; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace tenon
