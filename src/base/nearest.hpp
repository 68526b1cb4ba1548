// What somebody probably meant by a name that there is not.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tenon {

// The known name that is fewest edits away from `text` (a letter more, less, another, or two swapped): no more than a
// third of its letters, one at least, and not all. Else empty. The first of equals.
[[nodiscard]] std::string_view nearest(std::string_view text, std::span<const std::string> known);

// ` (did you mean "inventory-write"?)`, or nothing: for a sentence about an unknown name.
[[nodiscard]] std::string did_you_mean(std::string_view text, std::span<const std::string> known);

}  // namespace tenon
