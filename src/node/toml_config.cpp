#include "node/toml_config.hpp"

#include <toml++/toml.h>

namespace tenon {
namespace {

[[noreturn]] void refuse(const toml::source_region& where, const std::string& what) {
  throw CLI::ConversionError("line " + std::to_string(where.begin.line) + ": " + what, "tenon.toml");
}

std::string scalar(const toml::node& node, const std::string& name) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  refuse(node.source(), name + " must be a string, an integer or a boolean");
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
    if (const auto* assignments = node.as_table()) {
      for (const auto& [name, value] : *assignments) {
        item.inputs.push_back(std::string(name.str()) + "=" + scalar(value, item.name + "." + std::string(name.str())));
      }
    } else if (const auto* list = node.as_array()) {
      for (const auto& each : *list) item.inputs.push_back(scalar(each, item.name));
    } else {
      item.inputs.push_back(scalar(node, item.name));
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
