// A named limit: what it counts to, what becomes of who goes past it, and what when its shared store is lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "safeguards/rate_limit/bucket.hpp"

namespace tenon::safeguards {

enum class Mode : std::uint8_t {
  off,     // not asked
  shadow,  // asked, and what it would have refused is counted; refuses nobody
  enforce,
};

// What a limit does while the store that all nodes share is not there.
enum class StoreLoss : std::uint8_t {
  share,   // each node admits its share: the limit divided by the nodes last seen alive
  local,   // each node admits the whole limit
  open,    // everything is admitted
  closed,  // nothing is
};

// "inventory-write", 20 per minute. `name` is [a-z0-9-]+.
struct Limit {
  std::string name;
  Rate rate;
  Mode mode = Mode::enforce;
  Penalty penalty = {};
  StoreLoss on_store_loss = StoreLoss::share;
};

// "20/min", "600/m", "5/s", "100/hour", "1000/day", "10/30s"; nothing for anything else. 1 to 10^9 per 1 ms to 1 day,
// and at most one a microsecond.
[[nodiscard]] std::optional<Rate> parse_rate(std::string_view text);

// "50ms", "3s", "5min", "1hour", in microseconds: 1 ms to 1 day; nothing for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_duration(std::string_view text);

// The units that both know.
[[nodiscard]] std::vector<std::string> rate_units();

}  // namespace tenon::safeguards
