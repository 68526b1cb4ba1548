#include "chaos/switch_settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace tenon::test_switch {
namespace {

constexpr std::array<std::string_view, mutant_count> mutant_names{
    "key_without_user", "asynchronous_commit", "audit_after_commit", "retry_under_new_key", "expiry_by_node_clock",
    "lane_drops_reply", "replica_reads",       "limiter_fails_open", "sealer_trusts_ids",
};
constexpr std::array<std::string_view, step_count> step_names{
    "before_latch",    "in_latch", "latched",       "before_statement", "statement_sent", "answer_came",
    "before_response", "executed", "before_commit", "committed",        "sealed",
};
constexpr std::array<std::string_view, 4> action_names{"kill", "stop", "raise", "delay"};

std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    if (end > 0) parts.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// Splits at the first `separator`; false when there is none.
bool cut(std::string_view& text, char separator, std::string_view& rest) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return false;
  rest = text.substr(at + 1);
  text = text.substr(0, at);
  return true;
}

template <class Enum, std::size_t N>
bool read_name(std::string_view text, const std::array<std::string_view, N>& names, Enum& value) {
  const auto* const found = std::ranges::find(names, text);
  if (found == names.end()) return false;
  value = static_cast<Enum>(found - names.begin());
  return true;
}

std::optional<Failpoint> failpoint_in(std::string_view step) {
  Failpoint point;
  std::string_view action;
  std::string_view first;
  std::string_view count;
  std::string_view milliseconds;
  if (!cut(step, '=', action) || !cut(action, '@', first)) return std::nullopt;
  if (cut(first, ':', count) && !read_number(count, point.count)) return std::nullopt;
  if (!read_number(first, point.first) || point.first == 0) return std::nullopt;
  const bool timed = cut(action, '-', milliseconds);
  if (!read_name(step, step_names, point.step) || !read_name(action, action_names, point.action)) return std::nullopt;
  if (timed != (point.action == Failpoint::Action::delay)) return std::nullopt;
  if (timed && !read_number(milliseconds, point.milliseconds)) return std::nullopt;
  return point;
}

}  // namespace

std::string_view name_of(Mutant mutant) noexcept { return mutant_names[static_cast<std::size_t>(mutant)]; }
std::string_view name_of(Step step) noexcept { return step_names[static_cast<std::size_t>(step)]; }
std::string_view name_of(Failpoint::Action action) noexcept { return action_names[static_cast<std::size_t>(action)]; }

std::vector<Mutant> mutants_in(std::string_view list) {
  std::vector<Mutant> found;
  for (const std::string_view name : split(list)) {
    Mutant mutant{};
    if (read_name(name, mutant_names, mutant)) found.push_back(mutant);
  }
  return found;
}

std::optional<std::vector<Failpoint>> failpoints_in(std::string_view list) {
  std::vector<Failpoint> points;
  for (const std::string_view text : split(list)) {
    const auto point = failpoint_in(text);
    if (!point) return std::nullopt;
    points.push_back(*point);
  }
  return points;
}

}  // namespace tenon::test_switch
