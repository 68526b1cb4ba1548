#include "safeguards/rate_limit/limit.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace tenon::safeguards {
namespace {

constexpr std::int64_t second = 1'000'000;

struct Unit {
  std::string_view name;
  std::int64_t microseconds;
};
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;
constexpr std::array units{
    Unit{"ms", 1'000},  Unit{"s", second},   Unit{"sec", second},    Unit{"second", second},
    Unit{"m", minute},  Unit{"min", minute}, Unit{"minute", minute}, Unit{"h", hour},
    Unit{"hour", hour}, Unit{"d", day},      Unit{"day", day},
};

// A whole number of at least 1 without leading zeros, and nothing after it.
[[nodiscard]] std::optional<std::int64_t> count_of(std::string_view digits) noexcept {
  if (digits.empty() || digits.front() < '1' || digits.front() > '9') return std::nullopt;
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return count;
}

[[nodiscard]] std::optional<std::int64_t> window_of(std::string_view text) noexcept {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto* unit = std::ranges::find(units, text.substr(digits), &Unit::name);
  const auto count = digits == 0 ? std::optional<std::int64_t>{1} : count_of(text.substr(0, digits));
  if (unit == units.end() || !count || *count > day / unit->microseconds) return std::nullopt;
  return *count * unit->microseconds;
}

}  // namespace

std::optional<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto quota = count_of(text.substr(0, slash));
  const auto window = window_of(text.substr(slash + 1));
  if (!quota || !window) return std::nullopt;
  const Rate rate{.quota = *quota, .window_microseconds = *window};
  return rate.valid() ? std::optional(rate) : std::nullopt;
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
  if (text.empty() || text.front() < '1' || text.front() > '9') return std::nullopt;
  return window_of(text);
}

std::vector<std::string> rate_units() {
  std::vector<std::string> names;
  for (const Unit& unit : units) names.emplace_back(unit.name);
  return names;
}

}  // namespace tenon::safeguards
