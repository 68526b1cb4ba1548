#include "node/toml_config.hpp"

// toml++ 3.3 asserts what a file may well break ("[:"), and then refuses it in words: without its assertions, as in a
// release.
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>

#include <stdexcept>

namespace tenon {
namespace {

[[noreturn]] void refuse(const toml::source_region& where, const std::string& what) {
  throw std::runtime_error("tenon.toml, line " + std::to_string(where.begin.line) + ": " + what);
}

std::string scalar(const toml::node& node, const std::string& name) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  refuse(node.source(), name + " must be a string, an integer or a boolean");
}

std::vector<std::string> values_of(const toml::node& node, const std::string& name) {
  const auto* list = node.as_array();
  if (list == nullptr) return {scalar(node, name)};
  std::vector<std::string> values;
  for (const auto& each : *list) values.push_back(scalar(each, name));
  return values;
}

// The keys of [limits.NAME].
void read_limit(const std::string& limit, const toml::table& keys, std::vector<LimitSetting>& limits) {
  for (const auto& [key, value] : keys) {
    const std::string name(key.str());
    if (value.is_array() != (name == "routes"))
      refuse(value.source(), name + (value.is_array() ? " is not a list" : " is a list"));
    limits.push_back({.limit = limit,
                      .key = name,
                      .values = values_of(value, "limits." + limit + "." + name),
                      .line = value.source().begin.line});
  }
  if (keys.empty())
    limits.push_back({.limit = limit, .key = "mode", .values = {"enforce"}, .line = keys.source().begin.line});
}

// [limits]; its one member that is a flag is returned as such.
std::optional<CLI::ConfigItem> read_limits(const toml::node& node, std::vector<LimitSetting>& limits) {
  std::optional<CLI::ConfigItem> headers;
  const auto* tables = node.as_table();
  if (tables == nullptr) refuse(node.source(), "limits is a table: write [limits.NAME], or limit = [\"NAME=N/UNIT\"]");
  for (const auto& [key, value] : *tables) {
    const std::string name(key.str());
    if (const auto* keys = value.as_table()) {
      read_limit(name, *keys, limits);
    } else if (name == "headers") {
      headers.emplace();
      headers->name = name;
      headers->inputs = {scalar(value, "limits.headers")};
    } else {
      limits.push_back({.limit = name,
                        .key = "rate",
                        .values = {scalar(value, "limits." + name)},
                        .line = value.source().begin.line});
    }
  }
  return headers;
}

}  // namespace

std::string TomlConfig::to_config(const CLI::App*, bool, bool, std::string) const { return {}; }

std::vector<CLI::ConfigItem> TomlConfig::from_config(std::istream& input) const {
  toml::table table;
  try {
    table = toml::parse(input);
  } catch (const toml::parse_error& error) {
    refuse(error.source(), std::string(error.description()));
  }
  std::vector<CLI::ConfigItem> entries;
  for (const auto& [key, node] : table) {
    CLI::ConfigItem item;
    item.name = std::string(key.str());
    if (item.name == "limits") {
      auto headers = read_limits(node, limits_);
      if (!headers) continue;
      item = std::move(*headers);
    } else if (const auto* assignments = node.as_table()) {
      for (const auto& [name, value] : *assignments) {
        item.inputs.push_back(std::string(name.str()) + "=" + scalar(value, item.name + "." + std::string(name.str())));
      }
    } else {
      item.inputs = values_of(node, item.name);
    }
    // Both commands take all of it, and one of them is called.
    item.parents = {"serve"};
    entries.push_back(item);
    item.parents = {"config", "check"};
    entries.push_back(std::move(item));
  }
  return entries;
}

}  // namespace tenon
