// The limits' tables of tenon.toml: [limits.NAME].
#pragma once

#include <string>
#include <vector>

#include "service/limits_table.hpp"
#include "service/route.hpp"

namespace tenon {

// One key of one limit, as the file has it.
struct LimitSetting {
  std::string limit;
  std::string key;                  // rate, mode, on_store_loss, penalty, per or routes
  std::vector<std::string> values;  // one, but for routes
  std::string place = {};           // "tenon.toml, line 3", for who mistyped it
};

// Changes limits, and the routes that they stand before:
//   routes = ["POST /api/orders"]   these routes are under this limit too, instead of the one they had of its kind;
//   per = "user" or "address"       of which kind it is. Must be said for a limit that the file adds, with its rate.
// A limit is added by naming routes for it. Throws std::runtime_error with the line and what was meant.
void apply_limit_settings(const std::vector<LimitSetting>& settings, service::LimitsTable& limits,
                          std::vector<service::Route>& routes);

}  // namespace tenon
