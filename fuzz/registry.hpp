// All targets there are, by name.
#pragma once

#include <span>

#include "fuzz/target.hpp"

namespace tenon::fuzz {

struct Entry {
  std::string_view name;
  Target run;
};

[[nodiscard]] std::span<const Entry> registry();

}  // namespace tenon::fuzz
