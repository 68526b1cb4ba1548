// The scopes that settings name, against those that there are.
#pragma once

#include <vector>

#include "node/settings.hpp"
#include "service/route.hpp"

namespace tenon {

// Throws std::runtime_error, with the name that was probably meant, where --key-lifetime or --require-signature names a
// scope that neither one of `routes` has nor one of the node's own.
void check_scopes(const Settings& settings, const std::vector<service::Route>& routes);

}  // namespace tenon
