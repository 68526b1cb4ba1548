// The named limits of a node: what --limit and tenon.toml change.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "safeguards/rate_limit/limit.hpp"

namespace tenon::service {

// Names to rates; a name that is off has no rate. Filled by the apps' defaults, changed by settings, then only read.
class LimitsTable {
 public:
  void define(std::string_view name, std::string_view rate);  // a default; throws std::invalid_argument: a defect

  // "inventory-write=100/min", "inventory-write=off", "all=off". Nothing when done, else what is wrong and what was
  // meant.
  [[nodiscard]] std::optional<std::string> override_with(std::string_view assignment);

  // Null: no such limit, or it is off. Lives as long as the table.
  [[nodiscard]] const safeguards::Limit* find(std::string_view name) const noexcept;
  [[nodiscard]] bool knows(std::string_view name) const noexcept { return limits_.contains(name); }

 private:
  std::map<std::string, std::optional<safeguards::Limit>, std::less<>> limits_;
};

}  // namespace tenon::service
