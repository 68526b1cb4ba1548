// Time as values. Decisions take an instant as an argument; only main's wiring and I/O loops read these clocks.
#pragma once

#include <chrono>
#include <cstdint>

namespace tenon {

// A moment of wall time, in the grain PostgreSQL keeps: microseconds since 1970-01-01T00:00:00Z.
using Instant = std::chrono::sys_time<std::chrono::microseconds>;

// Monotonic, for deadlines and buckets; never leaves the process.
using Monotonic = std::chrono::steady_clock::time_point;

[[nodiscard]] inline Instant wall_now() noexcept {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}
[[nodiscard]] inline Monotonic monotonic_now() noexcept { return std::chrono::steady_clock::now(); }

}  // namespace tenon
