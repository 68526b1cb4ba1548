#include "node/limit_settings.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "base/nearest.hpp"

namespace tenon {
namespace {

using service::LimitsTable;
using service::Route;

[[noreturn]] void refuse(const std::string& place, const std::string& what) {
  throw std::runtime_error(place + ": " + what);
}

std::string name_of(const Route& route) { return std::string(http::name_of(route.method)) + " " + route.pattern; }

using Keys = std::map<std::string, const LimitSetting*, std::less<>>;

const LimitSetting* find(const Keys& keys, std::string_view key) {
  const auto found = keys.find(key);
  return found == keys.end() ? nullptr : found->second;
}

// A limit that the file adds.
void add(const std::string& name, const Keys& keys, LimitsTable& limits) {
  const std::string& place = keys.begin()->second->place;
  const LimitSetting* rate = find(keys, "rate");
  const std::string wanted = "; a limit of your own needs rate, per and routes";
  const std::vector<std::string> known = limits.names();
  const LimitSetting* routes = find(keys, "routes");
  if (routes == nullptr) refuse(place, "there is no limit \"" + name + '"' + did_you_mean(name, known) + wanted);
  if (rate == nullptr || find(keys, "per") == nullptr) refuse(place, "the limit \"" + name + "\" is new" + wanted);
  if (routes->values.empty()) refuse(routes->place, "the limit \"" + name + "\" is of no route" + wanted);
  try {
    limits.define(name, "1/s");  // until its keys are read
  } catch (const std::invalid_argument&) {
    refuse(place, '"' + name + "\" is no name for a limit: a-z, 0-9 and dashes, not \"all\" or \"headers\"");
  }
}

bool is_per_user(const std::string& name, const Keys& keys, const std::vector<Route>& routes) {
  const LimitSetting* per = find(keys, "per");
  if (per == nullptr)
    return std::ranges::none_of(routes, [&](const Route& route) { return route.policy.address_limit == name; });
  const std::string& value = per->values.at(0);
  if (value != "user" && value != "address") refuse(per->place, "per is \"user\" or \"address\", not \"" + value + '"');
  const bool per_user = value == "user";
  const auto stands = [&](const Route& route) {
    return (per_user ? route.policy.address_limit : route.policy.user_limit) == name;
  };
  if (std::ranges::any_of(routes, stands))
    refuse(per->place, "the limit \"" + name + "\" is per " + (per_user ? "address" : "user") + " on its own routes");
  return per_user;
}

void assign(const LimitSetting& setting, std::string_view limit, bool per_user, std::vector<Route>& routes) {
  std::vector<std::string> names;
  for (const Route& route : routes) names.push_back(name_of(route));
  for (const std::string& name : setting.values) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end())
      refuse(setting.place, "there is no route \"" + name + '"' + did_you_mean(name, names) +
                                "; routes are written as in \"" + names.at(0) + '"');
    service::Policy& policy = routes[static_cast<std::size_t>(found - names.begin())].policy;
    (per_user ? policy.user_limit : policy.address_limit) = limit;
  }
}

}  // namespace

void apply_limit_settings(const std::vector<LimitSetting>& settings, LimitsTable& limits, std::vector<Route>& routes) {
  std::map<std::string, Keys, std::less<>> by_limit;
  for (const LimitSetting& setting : settings) by_limit[setting.limit].emplace(setting.key, &setting);
  for (const auto& [name, keys] : by_limit) {
    if (!limits.knows(name)) add(name, keys, limits);
    // The rate first: it sets the penalty, and an "off" that the mode may take back.
    std::vector<const LimitSetting*> in_order;
    for (const auto& [key, setting] : keys) {
      if (key == "rate")
        in_order.insert(in_order.begin(), setting);
      else if (key != "per" && key != "routes")
        in_order.push_back(setting);
    }
    for (const LimitSetting* setting : in_order) {
      const auto trouble = limits.set(name, setting->key, setting->values.at(0));
      if (trouble) refuse(setting->place, *trouble);
    }
    const bool per_user = is_per_user(name, keys, routes);
    if (const auto* assigned = find(keys, "routes")) assign(*assigned, limits.known_name(name), per_user, routes);
  }
}

}  // namespace tenon
