#include "node/duration.hpp"

#include <stdexcept>

namespace tenon {

std::chrono::seconds parse_duration(const std::string& text) {
  std::size_t used = 0;
  long seconds = 0;
  try {
    seconds = std::stol(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  const std::string unit = text.substr(used);
  const long factor = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? 86400 : 0;
  if (used == 0 || factor == 0 || seconds < 1 || seconds > 1'000'000'000) {
    throw std::runtime_error("\"" + text + "\" is not a duration: write 60, 90s, 10m, 1h or 7d");
  }
  return std::chrono::seconds(seconds * factor);
}

}  // namespace tenon
