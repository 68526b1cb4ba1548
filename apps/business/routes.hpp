// The business API: its table of routes.
#pragma once

#include <vector>

#include "business/operations.hpp"
#include "service/limits_table.hpp"
#include "service/route.hpp"

namespace tenon::business {

void define_limits(service::LimitsTable& limits);

// `operations` outlives the routes.
[[nodiscard]] std::vector<service::Route> routes(const Operations& operations);

}  // namespace tenon::business
