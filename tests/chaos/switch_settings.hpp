// What TENON_TEST_SWITCH and TENON_FAILPOINT say. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/test_switch.hpp"

namespace tenon::test_switch {

inline constexpr std::size_t mutant_count = static_cast<std::size_t>(Mutant::sealer_trusts_ids) + 1;
inline constexpr std::size_t step_count = static_cast<std::size_t>(Step::sealed) + 1;

[[nodiscard]] std::string_view name_of(Mutant mutant) noexcept;
[[nodiscard]] std::string_view name_of(Step step) noexcept;

// The mutants named in a comma separated list. Other names are somebody else's: mutants that are SQL.
[[nodiscard]] std::vector<Mutant> mutants_in(std::string_view list);

// `STEP=ACTION@N[:COUNT]`: at the N-th pass of that step in this process (from 1), COUNT times in a row (1 unless said;
// 0: for ever).
struct Failpoint {
  Step step = Step::before_latch;
  enum class Action : std::uint8_t {
    kill,   // SIGKILL
    stop,   // SIGSTOP, until somebody sends SIGCONT
    raise,  // throws
    delay,  // blocks the thread: "delay-250", in milliseconds
  } action = Action::kill;
  std::uint32_t milliseconds = 0;
  std::uint64_t first = 1;
  std::uint64_t count = 1;

  [[nodiscard]] bool strikes_at(std::uint64_t pass) const noexcept {
    return pass >= first && (count == 0 || pass - first < count);
  }
};
[[nodiscard]] std::string_view name_of(Failpoint::Action action) noexcept;

// A comma separated list of them; nothing when one of it is malformed.
[[nodiscard]] std::optional<std::vector<Failpoint>> failpoints_in(std::string_view list);

}  // namespace tenon::test_switch
