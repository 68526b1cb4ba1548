// What a run came to: a table for people, JSON for machines.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "chaos/checks.hpp"

namespace tenon::chaos {

struct Report {
  std::uint64_t seed = 0;
  double seconds = 0;                 // of faults
  double writes_a_second_before = 0;  // acknowledged, before the first fault
  std::uint64_t acknowledged = 0;
  std::uint64_t keys = 0, sendings = 0, unanswered = 0, retries = 0, late_repeats = 0, to_all_nodes = 0, twice = 0,
                aborted = 0;
  double settled_seconds = 0;  // from the end of the last fault until each key had its final answer
  bool faults_wanted = true;   // false: a run without faults was asked for
  std::map<std::string_view, std::uint64_t> succeeded = {};  // calls with a 2xx, of each kind
  std::vector<FaultRecord> faults = {};
  Findings findings = {};
  std::string broken = {};  // the cluster did not come back: what was said

  [[nodiscard]] std::vector<std::string> void_because() const;  // empty: the run counts
  [[nodiscard]] int exit_code() const;                          // 0: green, 1: violations, 3: void
};

constexpr double writes_a_second_least = 100;

[[nodiscard]] std::string table_of(const Report& report);
[[nodiscard]] std::string json_of(const Report& report);

}  // namespace tenon::chaos
