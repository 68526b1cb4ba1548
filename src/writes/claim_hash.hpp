// Where a claim stands in a table of claims.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "base/bytes.hpp"

namespace tenon::writes {

// Multiply-shift under a secret drawn at start (Dietzfelbinger 1996): of any two claims the hashes are independent, so
// that nobody outside can choose keys that collide. Shorter than SipHash, which it may be since a claim is a digest
// already: what comes in has one length and cannot be chosen bit by bit.
class ClaimHash {
 public:
  ClaimHash() {
    std::array<std::uint8_t, sizeof secret_> random{};
    fill_random(random);
    std::memcpy(secret_.data(), random.data(), random.size());
  }
  [[nodiscard]] std::uint64_t operator()(const Uuid& claim) const noexcept {
    std::array<std::uint64_t, 2> words{};
    static_assert(sizeof words == sizeof claim.bytes);
    std::memcpy(words.data(), claim.bytes.data(), sizeof words);
    return static_cast<std::uint64_t>((secret_[0] + secret_[1] * words[0] + secret_[2] * words[1]) >> 64);
  }

 private:
  __extension__ using Wide = unsigned __int128;
  std::array<Wide, 3> secret_;
};

}  // namespace tenon::writes
