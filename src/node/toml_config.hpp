// tenon.toml for the command line's parser: read by a real TOML parser, with the line of what is wrong.
#pragma once

#include <CLI/CLI.hpp>
#include <istream>
#include <string>
#include <vector>

#include "node/limit_settings.hpp"

namespace tenon {

// Top-level keys are the flags of `serve`; a table's keys become NAME=VALUE assignments of the flag of its name:
//   listen = "0.0.0.0:8080"
//   [limit]
//   inventory-write = "100/min"
// But for [limits], which is no flag: what it says goes to `limits`, each key with its line.
//   [limits]
//   headers = "draft"              the flag --headers
//   inventory-read = "10/s"        short for its rate
//   [limits.inventory-write]
//   rate = "100/min"
//   routes = ["POST /api/orders"]
class TomlConfig : public CLI::Config {
 public:
  explicit TomlConfig(std::vector<LimitSetting>& limits) : limits_(limits) {}
  std::string to_config(const CLI::App* app, bool defaults, bool description, std::string prefix) const override;
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

 private:
  std::vector<LimitSetting>& limits_;
};

}  // namespace tenon
