// Durations as people write them.
#pragma once

#include <chrono>
#include <string>

namespace tenon {

// "60", "90s", "10m", "1h", "7d". Throws std::runtime_error for anything else.
[[nodiscard]] std::chrono::seconds parse_duration(const std::string& text);

}  // namespace tenon
