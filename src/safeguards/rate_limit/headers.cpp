#include "safeguards/rate_limit/headers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <utility>

namespace tenon::safeguards {
namespace {

constexpr std::int64_t microseconds_per_second = 1'000'000;
constexpr std::int64_t structured_integer_max = 999'999'999'999'999;

[[nodiscard]] std::int64_t seconds_rounded_up(std::int64_t microseconds) noexcept {
  if (microseconds <= 0) return 0;
  return (microseconds - 1) / microseconds_per_second + 1;
}

void append_number(std::string& out, std::int64_t number) {
  std::array<char, 20> digits{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

// One item of an RFC 9651 List, written at once: each limited answer has two of them. A limit's name is made of
// lower-case letters, digits and "-" (service/limits_table.hpp), so nothing of it wants escaping.
void append_item(std::string& list, std::string_view name, std::string_view first_name, std::int64_t first,
                 std::string_view second_name, std::int64_t second) {
  if (!list.empty()) list += ", ";
  list.append("\"").append(name).append("\";").append(first_name).append("=");
  append_number(list, std::min(first, structured_integer_max));
  list.append(";").append(second_name).append("=");
  append_number(list, std::min(second, structured_integer_max));
}

[[nodiscard]] std::int64_t wait_seconds(const BucketDecision& decision) noexcept {
  return seconds_rounded_up(decision.admitted ? decision.refill_microseconds : decision.retry_microseconds);
}

void add_number(http::Response& response, http::HeaderName name, std::int64_t number) {
  std::string digits;
  append_number(digits, number);
  response.add(name, digits);
}

void add_draft(http::Response& response, std::span<const Told> told) {
  std::string policies;
  std::string left;
  for (const auto& [limit, decision] : told) {
    const std::int64_t window = seconds_rounded_up(limit->rate.window_microseconds);
    append_item(policies, limit->name, "q", limit->rate.quota, "w", window);
    append_item(left, limit->name, "r", decision.remaining, "t", wait_seconds(decision));
  }
  response.add("RateLimit-Policy", policies);
  response.add("RateLimit", left);
}

void add_legacy(http::Response& response, std::span<const Told> told) {
  const auto& [limit, decision] = *std::ranges::min_element(told, {}, [](const Told& each) {
    return std::pair(each.decision.admitted, each.decision.remaining);  // a refusal first
  });
  add_number(response, "X-RateLimit-Limit", limit->rate.quota);
  add_number(response, "X-RateLimit-Remaining", decision.remaining);
  add_number(response, "X-RateLimit-Reset", wait_seconds(decision));
}

}  // namespace

std::optional<HeaderStyle> header_style_named(std::string_view name) noexcept {
  if (name == "none") return HeaderStyle::none;
  if (name == "draft") return HeaderStyle::draft;
  if (name == "legacy") return HeaderStyle::legacy;
  if (name == "both") return HeaderStyle::both;
  return std::nullopt;
}

void add_rate_limit_headers(http::Response& response, std::span<const Told> told, HeaderStyle style) {
  if (told.empty()) return;
  if (style == HeaderStyle::draft || style == HeaderStyle::both) add_draft(response, told);
  if (style == HeaderStyle::legacy || style == HeaderStyle::both) add_legacy(response, told);
}

std::uint32_t retry_after_seconds(const BucketDecision& decision) noexcept {
  const std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds_rounded_up(decision.retry_microseconds), 1, most));
}
}  // namespace tenon::safeguards
