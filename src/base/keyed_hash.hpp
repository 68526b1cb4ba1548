// SipHash-1-3 (Aumasson & Bernstein) under a secret drawn at start: for every table whose keys a client can name, so
// that nobody outside can choose keys that collide.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tenon {

class KeyedHash {
 public:
  KeyedHash();  // a fresh random secret
  explicit constexpr KeyedHash(std::array<std::uint64_t, 2> secret) noexcept : secret_(secret) {}

  [[nodiscard]] std::uint64_t operator()(std::string_view bytes) const noexcept;
  using is_transparent = void;

 private:
  std::array<std::uint64_t, 2> secret_;
};

}  // namespace tenon
