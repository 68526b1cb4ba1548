// A node's part in sealing the audit log: from its settings to the sealer that runs beside it.
#pragma once

#include <memory>
#include <string>

#include "audit/sealer.hpp"
#include "base/log.hpp"
#include "node/settings.hpp"
#include "service/metrics.hpp"

namespace tenon {

// What can be told to be wrong before anything is started. Throws std::runtime_error.
void check_sealing(const Settings& settings);

// The sealer, not started yet, with its metrics watched; `conninfo` is its login's, empty: there is none. Makes the key
// in the data directory when it is missing, and prints its public half. Nothing where this node is not to seal, which
// the log tells. Throws std::runtime_error where what the settings ask for cannot be done.
[[nodiscard]] std::unique_ptr<audit::Sealer> make_sealer(const Settings& settings, const std::string& conninfo,
                                                         service::Metrics& metrics, Logger& log);

}  // namespace tenon
