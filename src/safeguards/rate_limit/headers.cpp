#include "safeguards/rate_limit/headers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "encoding/structured_field.hpp"

namespace tenon::safeguards {
namespace {

constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;
constexpr std::int64_t structured_integer_max = 999'999'999'999'999;

[[nodiscard]] std::int64_t seconds_rounded_up(std::int64_t nanoseconds) noexcept {
  if (nanoseconds <= 0) return 0;
  return (nanoseconds - 1) / nanoseconds_per_second + 1;
}

[[nodiscard]] std::optional<std::string> one_item_list(const std::string& name, std::string_view first_name,
                                                       std::int64_t first, std::string_view second_name,
                                                       std::int64_t second) {
  structured::Item item;
  item.value = name;
  item.parameters.reserve(2);
  item.parameters.emplace_back(first_name, std::min(first, structured_integer_max));
  item.parameters.emplace_back(second_name, std::min(second, structured_integer_max));
  return structured::serialize(item);  // a list of one member is written as that member
}

void add_number(http::Response& response, std::string_view name, std::int64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  response.add(name, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr std::int64_t minute = 60 * nanoseconds_per_second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;
constexpr std::array units{
    Unit{"ms", 1'000'000},
    Unit{"s", nanoseconds_per_second},
    Unit{"sec", nanoseconds_per_second},
    Unit{"second", nanoseconds_per_second},
    Unit{"m", minute},
    Unit{"min", minute},
    Unit{"minute", minute},
    Unit{"h", hour},
    Unit{"hour", hour},
    Unit{"d", day},
    Unit{"day", day},
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
  if (unit == units.end() || !count || *count > day / unit->nanoseconds) return std::nullopt;
  return *count * unit->nanoseconds;
}

}  // namespace

void add_rate_limit_headers(http::Response& response, const Limit& limit, const BucketDecision& decision) {
  const std::int64_t window = seconds_rounded_up(limit.rate.window_nanoseconds);
  const std::int64_t wait =
      seconds_rounded_up(decision.admitted ? decision.refill_nanoseconds : decision.retry_nanoseconds);
  if (const auto text = one_item_list(limit.name, "q", limit.rate.quota, "w", window)) {
    response.add("RateLimit-Policy", *text);
  }
  if (const auto text = one_item_list(limit.name, "r", decision.remaining, "t", wait)) response.add("RateLimit", *text);
  if (response.header("X-RateLimit-Limit")) return;
  add_number(response, "X-RateLimit-Limit", limit.rate.quota);
  add_number(response, "X-RateLimit-Remaining", decision.remaining);
  add_number(response, "X-RateLimit-Reset", wait);
}

std::uint32_t retry_after_seconds(const BucketDecision& decision) noexcept {
  const std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds_rounded_up(decision.retry_nanoseconds), 1, most));
}

std::optional<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto quota = count_of(text.substr(0, slash));
  const auto window = window_of(text.substr(slash + 1));
  if (!quota || *quota > 1'000'000'000 || !window) return std::nullopt;
  return Rate{.quota = *quota, .window_nanoseconds = *window};
}

}  // namespace tenon::safeguards
