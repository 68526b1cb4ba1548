// The negative controls: each is this program with one of its safeguards broken, and a run of the harness in which that
// has to be noticed. A harness that lets one pass proves nothing about the safeguard.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace tenon::chaos {

struct Mutant {
  std::string_view name;    // of its switch (base/test_switch.hpp), of its file mutants/NAME.sql, or of both
  std::string_view broken;  // what is broken
  // The checkers of what is broken, one of which has to notice. What others see may be of the machine's doing.
  std::array<std::string_view, 3> by;
  std::string_view faults;  // the kinds under which it shows; empty: it takes none
  int seconds = 0;          // of faults
  std::uint64_t seed = 1;
  bool of_disk = false;  // neither a switch nor SQL: of the machine under PostgreSQL (no_sync.cpp)
};

[[nodiscard]] std::span<const Mutant> mutants();
[[nodiscard]] const Mutant* find_mutant(std::string_view name);  // null: there is none of that name

}  // namespace tenon::chaos
