// The named limits of a node: what --limit and tenon.toml change.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "safeguards/rate_limit/limit.hpp"

namespace tenon::service {

// Filled by the apps' defaults, changed by settings, then only read. What changes it says nothing when done, else what
// is wrong and what was meant.
class LimitsTable {
 public:
  // An enforced limit with the penalty that goes with its rate. Throws std::invalid_argument: a defect.
  void define(std::string_view name, std::string_view rate);

  // "inventory-write=100/min", "inventory-write=off", "all=off".
  [[nodiscard]] std::optional<std::string> override_with(std::string_view assignment);

  // One key of a limit in the configuration file: rate ("20/min", "off"), mode (off, shadow, enforce), on_store_loss
  // (share, local, open, closed) or penalty ("off", "1s..5min": the base and the cap).
  [[nodiscard]] std::optional<std::string> set(std::string_view name, std::string_view key, std::string_view value);

  // Null: no such limit, or it is off. Lives as long as the table.
  [[nodiscard]] const safeguards::Limit* find(std::string_view name) const noexcept;
  // The table's own copy of the name, which lives as long as it does; empty: no such limit.
  [[nodiscard]] std::string_view known_name(std::string_view name) const noexcept;
  [[nodiscard]] bool knows(std::string_view name) const noexcept { return limits_.contains(name); }
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  [[nodiscard]] std::optional<std::string> set_rate(safeguards::Limit& limit, std::string_view value);

  std::map<std::string, safeguards::Limit, std::less<>> limits_;
};

}  // namespace tenon::service
