// The furniture catalogue that --demo sells from.
#pragma once

#include <vector>

#include "inventory/operations.hpp"

namespace tenon::inventory {

inline constexpr std::size_t demo_pieces = 200;

// One create_item call a piece; the same names and prices every time.
[[nodiscard]] std::vector<writes::Call> demo_catalogue(const Operations& operations);

}  // namespace tenon::inventory
