#include "service/limits_table.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "base/nearest.hpp"

namespace tenon::service {
namespace {

using safeguards::Limit;
using Trouble = std::optional<std::string>;

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& each : names) list += (list.empty() ? "" : ", ") + each;
  return list;
}

Trouble unknown(std::string_view what, std::string_view name, const std::vector<std::string>& known) {
  return "there is no " + std::string(what) + ' ' + quoted(name) + did_you_mean(name, known) +
         "; there are: " + list_of(known);
}

// What is wrong with a rate that cannot be read.
std::string not_a_rate(std::string_view text) {
  std::string trouble = quoted(text) + " is not a rate";
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    std::string_view unit = text.substr(slash + 1);
    unit.remove_prefix(std::min(unit.find_first_not_of("0123456789"), unit.size()));
    const auto known = safeguards::rate_units();
    if (std::ranges::find(known, unit) == known.end())
      trouble += ": there is no unit " + quoted(unit) + did_you_mean(unit, known);
  }
  return trouble + "; write 20/min, 5/s, 100/hour, 10/30s or off: at most 1000000 a second, over 1 ms to 1 day";
}

template <class Value, std::size_t Size>
Trouble choose(Value& value, std::string_view name, std::string_view key,
               const std::array<std::pair<std::string_view, Value>, Size>& choices) {
  std::vector<std::string> names;
  for (const auto& [each, choice] : choices) {
    names.emplace_back(each);
    if (each != name) continue;
    value = choice;
    return std::nullopt;
  }
  return unknown(key, name, names);
}

Trouble set_penalty(Limit& limit, std::string_view text) {
  if (text == "off") {
    limit.penalty = {};
    return std::nullopt;
  }
  const std::size_t dots = text.find("..");
  if (dots != std::string_view::npos) {
    const auto base = safeguards::parse_duration(text.substr(0, dots));
    const auto cap = safeguards::parse_duration(text.substr(dots + 2));
    if (base && cap && *base <= *cap) {
      limit.penalty = {.base_microseconds = *base, .cap_microseconds = *cap};
      return std::nullopt;
    }
  }
  return quoted(text) + " is not a penalty: write BASE..CAP, as in 3s..5min (at most a day), or off";
}

bool is_name(std::string_view name) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, allowed);
}

}  // namespace

void LimitsTable::define(std::string_view name, std::string_view rate) {
  const auto parsed = safeguards::parse_rate(rate);
  if (!parsed) throw std::invalid_argument("not a rate: " + std::string(rate));
  if (!is_name(name) || name == "all" || name == "headers")
    throw std::invalid_argument("not a name for a limit: " + std::string(name));
  limits_.insert_or_assign(
      std::string(name),
      Limit{.name = std::string(name), .rate = *parsed, .penalty = safeguards::default_penalty(*parsed)});
}

Trouble LimitsTable::set_rate(Limit& limit, std::string_view value) {
  if (value == "off") {
    limit.mode = safeguards::Mode::off;
    return std::nullopt;
  }
  const auto rate = safeguards::parse_rate(value);
  if (!rate) return not_a_rate(value);
  if (limit.penalty == safeguards::default_penalty(limit.rate)) limit.penalty = safeguards::default_penalty(*rate);
  limit.rate = *rate;
  if (limit.mode == safeguards::Mode::off) limit.mode = safeguards::Mode::enforce;
  return std::nullopt;
}

Trouble LimitsTable::override_with(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) return "a limit is set as NAME=N/UNIT or NAME=off, not " + quoted(assignment);
  const std::string_view name = assignment.substr(0, equals);
  const std::string_view value = assignment.substr(equals + 1);
  if (name == "all" && value == "off") {
    for (auto& [each, limit] : limits_) limit.mode = safeguards::Mode::off;
    return std::nullopt;
  }
  const auto found = limits_.find(name);
  if (found == limits_.end()) return *unknown("limit", name, names()) + " (and all=off)";
  return set_rate(found->second, value);
}

Trouble LimitsTable::set(std::string_view name, std::string_view key, std::string_view value) {
  using safeguards::Mode;
  using safeguards::StoreLoss;
  static constexpr std::array modes{std::pair{std::string_view("off"), Mode::off},
                                    std::pair{std::string_view("shadow"), Mode::shadow},
                                    std::pair{std::string_view("enforce"), Mode::enforce}};
  static constexpr std::array losses{
      std::pair{std::string_view("share"), StoreLoss::share}, std::pair{std::string_view("local"), StoreLoss::local},
      std::pair{std::string_view("open"), StoreLoss::open}, std::pair{std::string_view("closed"), StoreLoss::closed}};
  const auto found = limits_.find(name);
  if (found == limits_.end()) return unknown("limit", name, names());
  Limit& limit = found->second;
  if (key == "rate") return set_rate(limit, value);
  if (key == "mode") return choose(limit.mode, value, key, modes);
  if (key == "on_store_loss") return choose(limit.on_store_loss, value, key, losses);
  if (key == "penalty") return set_penalty(limit, value);
  return unknown("key", key, {"mode", "on_store_loss", "penalty", "per", "rate", "routes"});
}

const Limit* LimitsTable::find(std::string_view name) const noexcept {
  if (name.empty()) return nullptr;  // most routes have one limit at most
  const auto found = limits_.find(name);
  return found == limits_.end() || found->second.mode == safeguards::Mode::off ? nullptr : &found->second;
}

std::string_view LimitsTable::known_name(std::string_view name) const noexcept {
  const auto found = limits_.find(name);
  return found == limits_.end() ? std::string_view() : std::string_view(found->first);
}

std::vector<std::string> LimitsTable::names() const {
  std::vector<std::string> names;
  for (const auto& [each, limit] : limits_) names.push_back(each);
  return names;
}

}  // namespace tenon::service
