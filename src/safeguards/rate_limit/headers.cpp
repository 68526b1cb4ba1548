#include "safeguards/rate_limit/headers.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
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

[[nodiscard]] std::int64_t wait_seconds(const BucketDecision& decision) noexcept {
  return seconds_rounded_up(decision.admitted ? decision.refill_microseconds : decision.retry_microseconds);
}

// Item after item of an RFC 9651 List, written at once: each limited answer has two of them. A limit's name is made of
// lower-case letters, digits and "-" (service/limits_table.hpp), so nothing of it wants escaping.
class List {
 public:
  List(TextWriter& to, std::string_view header) : to_(to) { to_.text(header).text(": "); }
  ~List() { to_.text("\r\n"); }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  void add(std::string_view name, std::string_view first_name, std::int64_t first, std::string_view second_name,
           std::int64_t second) {
    to_.text(std::exchange(follows_, true) ? ", \"" : "\"").text(name);
    to_.text("\";").text(first_name).text("=").number(std::min(first, structured_integer_max));
    to_.text(";").text(second_name).text("=").number(std::min(second, structured_integer_max));
  }

 private:
  TextWriter& to_;
  bool follows_ = false;
};

void write_draft(TextWriter& to, std::span<const Told> told) {
  {
    List policies(to, "RateLimit-Policy");
    for (const auto& [limit, decision] : told) {
      policies.add(limit->name, "q", limit->rate.quota, "w", seconds_rounded_up(limit->rate.window_microseconds));
    }
  }
  List left(to, "RateLimit");
  for (const auto& [limit, decision] : told) {
    left.add(limit->name, "r", decision.remaining, "t", wait_seconds(decision));
  }
}

void write_legacy(TextWriter& to, std::span<const Told> told) {
  const auto& [limit, decision] = *std::ranges::min_element(told, {}, [](const Told& each) {
    return std::pair(each.decision.admitted, each.decision.remaining);  // a refusal first
  });
  to.text("X-RateLimit-Limit: ").number(limit->rate.quota);
  to.text("\r\nX-RateLimit-Remaining: ").number(decision.remaining);
  to.text("\r\nX-RateLimit-Reset: ").number(wait_seconds(decision)).text("\r\n");
}

[[nodiscard]] std::size_t characters_max(std::span<const Told> told) noexcept {
  constexpr std::size_t of_the_lines = 128 + 3 * number_characters_max;
  constexpr std::size_t of_an_item = 16 + 2 * number_characters_max;
  std::size_t most = of_the_lines;
  for (const auto& [limit, decision] : told) most += 2 * (limit->name.size() + of_an_item);
  return most;
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
  response.add_lines(characters_max(told), [&](TextWriter& to) {
    if (style == HeaderStyle::draft || style == HeaderStyle::both) write_draft(to, told);
    if (style == HeaderStyle::legacy || style == HeaderStyle::both) write_legacy(to, told);
  });
}

std::uint32_t retry_after_seconds(const BucketDecision& decision) noexcept {
  const std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds_rounded_up(decision.retry_microseconds), 1, most));
}
}  // namespace tenon::safeguards
