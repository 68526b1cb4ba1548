// tenon.toml for the command line's parser: read by a real TOML parser, with the line of what is wrong.
#pragma once

#include <CLI/CLI.hpp>
#include <istream>
#include <string>
#include <vector>

namespace tenon {

// Top-level keys are the flags of `serve`; a table's keys become NAME=VALUE assignments of the flag of its name:
//   listen = "0.0.0.0:8080"
//   [limit]
//   inventory-write = "100/min"
class TomlConfig : public CLI::Config {
 public:
  std::string to_config(const CLI::App* app, bool defaults, bool description, std::string prefix) const override;
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
};

}  // namespace tenon
