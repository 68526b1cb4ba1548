// What a node holds signed requests to, from its settings.
#pragma once

#include "node/settings.hpp"
#include "safeguards/signature/verify.hpp"

namespace tenon {

// Throws std::runtime_error, with what to do, for a window that the shortest lifetime of keys does not allow (a key
// must live for the window and twice the skew), and for an authority that is none.
[[nodiscard]] signature::Rules signature_rules(const Settings& settings);

}  // namespace tenon
