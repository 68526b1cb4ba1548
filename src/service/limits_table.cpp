#include "service/limits_table.hpp"

#include <stdexcept>

namespace tenon::service {
namespace {

safeguards::Limit limit_of(std::string_view name, const safeguards::Rate& rate) {
  return {.name = std::string(name), .rate = rate, .penalty = safeguards::default_penalty(rate)};
}

}  // namespace

void LimitsTable::define(std::string_view name, std::string_view rate) {
  const auto parsed = safeguards::parse_rate(rate);
  if (!parsed) throw std::invalid_argument("not a rate: " + std::string(rate));
  limits_.insert_or_assign(std::string(name), limit_of(name, *parsed));
}

std::optional<std::string> LimitsTable::override_with(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos)
    return "a limit is set as NAME=N/UNIT or NAME=off, not \"" + std::string(assignment) + "\"";
  const std::string_view name = assignment.substr(0, equals);
  const std::string_view value = assignment.substr(equals + 1);
  if (name == "all" && value == "off") {
    for (auto& [each, limit] : limits_) limit.reset();
    return std::nullopt;
  }
  const auto found = limits_.find(name);
  if (found == limits_.end()) {
    std::string known;
    for (const auto& [each, limit] : limits_) known += (known.empty() ? "" : ", ") + each;
    return "there is no limit \"" + std::string(name) + "\"; there are: " + known + " (and all=off)";
  }
  if (value == "off") {
    found->second.reset();
    return std::nullopt;
  }
  const auto rate = safeguards::parse_rate(value);
  if (!rate) return "\"" + std::string(value) + "\" is not a rate: write 20/min, 5/s, 100/hour or off";
  found->second = limit_of(found->first, *rate);
  return std::nullopt;
}

const safeguards::Limit* LimitsTable::find(std::string_view name) const noexcept {
  const auto found = limits_.find(name);
  return found == limits_.end() || !found->second ? nullptr : &*found->second;
}

}  // namespace tenon::service
