// What a run against a mutant shows: a mutant is caught by the checkers of what it breaks, and by no others.
#pragma once

#include <string>

#include "chaos/mutants.hpp"
#include "chaos/report.hpp"

namespace tenon::chaos {

struct MutantVerdict {
  int exit_code = 0;  // 0: caught, 1: not caught, 3: it could not be tried
  std::string told;   // one line
};

[[nodiscard]] MutantVerdict verdict_of(const Report& report, const Mutant& mutant);

}  // namespace tenon::chaos
