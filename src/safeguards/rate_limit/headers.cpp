#include "safeguards/rate_limit/headers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "encoding/structured_field.hpp"

namespace tenon::safeguards {
namespace {

constexpr std::int64_t microseconds_per_second = 1'000'000;
constexpr std::int64_t structured_integer_max = 999'999'999'999'999;

[[nodiscard]] std::int64_t seconds_rounded_up(std::int64_t microseconds) noexcept {
  if (microseconds <= 0) return 0;
  return (microseconds - 1) / microseconds_per_second + 1;
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

}  // namespace

void add_rate_limit_headers(http::Response& response, const Limit& limit, const BucketDecision& decision) {
  const std::int64_t window = seconds_rounded_up(limit.rate.window_microseconds);
  const std::int64_t wait =
      seconds_rounded_up(decision.admitted ? decision.refill_microseconds : decision.retry_microseconds);
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
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds_rounded_up(decision.retry_microseconds), 1, most));
}
}  // namespace tenon::safeguards
