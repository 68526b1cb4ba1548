#include "safeguards/rate_limit/headers.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "base/text_writer.hpp"

namespace tenon::safeguards {
namespace {

constexpr std::int64_t microseconds_per_second = 1'000'000;
constexpr std::int64_t structured_integer_max = 999'999'999'999'999;

[[nodiscard]] std::int64_t seconds_rounded_up(std::int64_t microseconds) noexcept {
  if (microseconds <= 0) return 0;
  return (microseconds - 1) / microseconds_per_second + 1;
}

// One item of an RFC 9651 List, written at once: each limited answer has two of them. A limit's name is made of
// lower-case letters, digits and "-" (service/limits_table.hpp), so nothing of it wants escaping. `first_name` and
// `second_name` have one letter.
void append_item(std::string& list, std::string_view name, std::string_view first_name, std::int64_t first,
                 std::string_view second_name, std::int64_t second) {
  constexpr std::size_t signs = 10;  // , "";q=;w=
  append_at_most(list, name.size() + signs + 2 * number_characters_max, [&](TextWriter& to) {
    to.text(list.empty() ? "\"" : ", \"").text(name);
    to.text("\";").text(first_name).text("=").number(std::min(first, structured_integer_max));
    to.text(";").text(second_name).text("=").number(std::min(second, structured_integer_max));
  });
}

[[nodiscard]] std::int64_t wait_seconds(const BucketDecision& decision) noexcept {
  return seconds_rounded_up(decision.admitted ? decision.refill_microseconds : decision.retry_microseconds);
}

void add_draft(http::Response& response, std::span<const Told> told) {
  std::string list;
  for (const auto& [limit, decision] : told) {
    append_item(list, limit->name, "q", limit->rate.quota, "w", seconds_rounded_up(limit->rate.window_microseconds));
  }
  response.add("RateLimit-Policy", list);
  list.clear();
  for (const auto& [limit, decision] : told) {
    append_item(list, limit->name, "r", decision.remaining, "t", wait_seconds(decision));
  }
  response.add("RateLimit", list);
}

void add_legacy(http::Response& response, std::span<const Told> told) {
  const auto& [limit, decision] = *std::ranges::min_element(told, {}, [](const Told& each) {
    return std::pair(each.decision.admitted, each.decision.remaining);  // a refusal first
  });
  response.add("X-RateLimit-Limit", limit->rate.quota);
  response.add("X-RateLimit-Remaining", decision.remaining);
  response.add("X-RateLimit-Reset", wait_seconds(decision));
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
