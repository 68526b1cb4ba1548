// tenon.toml for the command line's parser: read by a real TOML parser, with the line of what is wrong.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <istream>
#include <map>
#include <string>
#include <utility>
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
  // `file`: how it is called, asked for once it is read.
  TomlConfig(std::vector<LimitSetting>& limits, std::function<std::string()> file)
      : limits_(limits), file_(std::move(file)) {}
  std::string to_config(const CLI::App* app, bool defaults, bool description, std::string prefix) const override;
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
  // "tenon.toml, line 3": where the file that was read has this key; just the file for one that it does not have.
  [[nodiscard]] std::string place_of(const std::string& key) const;

 private:
  std::vector<LimitSetting>& limits_;
  std::function<std::string()> file_;
  mutable std::map<std::string, std::string> places_;  // of top-level keys
};

}  // namespace tenon
