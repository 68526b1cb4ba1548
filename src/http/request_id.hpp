// Names for requests whose senders gave none: unique with overwhelming probability, not secret.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace tenon::http {

// xoshiro256++ (Blackman & Vigna), seeded from the system's randomness. One per thread.
class RequestIds {
 public:
  RequestIds();
  void append_next(std::string& out);  // 32 lower-case hexadecimal digits

 private:
  [[nodiscard]] std::uint64_t next() noexcept;
  std::array<std::uint64_t, 4> state_;
};

}  // namespace tenon::http
