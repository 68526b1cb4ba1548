// What must be true of a run, whatever was done to the cluster: held against the recorded history and the database.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "chaos/clients.hpp"
#include "chaos/conductor.hpp"
#include "chaos/history.hpp"

namespace tenon::chaos {

struct Violation {
  std::string checker;
  std::string what;
};

struct CheckerCount {
  std::string_view name;
  std::uint64_t checked = 0;  // of what `unit` says
  std::string_view unit;
  std::uint64_t violations = 0;
};

class Findings {
 public:
  void begin(std::string_view checker, std::string_view unit);  // what follows is this one's
  void checked(std::uint64_t count = 1) { counts_.back().checked += count; }
  void violation(std::string what);  // counted; the first 20 of a checker are kept

  [[nodiscard]] const std::vector<CheckerCount>& counts() const noexcept { return counts_; }
  [[nodiscard]] const std::vector<Violation>& violations() const noexcept { return violations_; }
  [[nodiscard]] std::uint64_t total() const;

 private:
  std::vector<CheckerCount> counts_;
  std::vector<Violation> violations_;
};

struct Evidence {
  std::deque<Call>& calls;
  std::deque<Item>& items;
  const std::vector<FaultRecord>& faults;
  std::string superuser = {};                           // conninfo of the primary, which is whole again
  std::filesystem::path tenon = {};                     // the program: it verifies the audit log
  std::vector<std::filesystem::path> checkpoints = {};  // files that nodes published
  std::uint64_t node_starts = 0;
  std::vector<std::string> complaints = {};  // of nodes that ended by themselves, or did not when asked
};

void check_answers(const Evidence& evidence, Findings& findings);  // each key's are equal; none that nobody should get
void check_liveness(const Evidence& evidence, Findings& findings);
void check_nodes(const Evidence& evidence, Findings& findings);       // none ended but by a fault
void check_effects(const Evidence& evidence, Findings& findings);     // acknowledged writes, effects, entries, stock
void check_histories(const Evidence& evidence, Findings& findings);   // linearizability, item by item
void check_audit_tree(const Evidence& evidence, Findings& findings);  // all sealed, and `tenon audit verify` agrees
void check_limits(const Evidence& evidence, Findings& findings);

}  // namespace tenon::chaos
