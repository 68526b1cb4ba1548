// Draws faults from a seed and inflicts them, one after another and sometimes two at a time, until the time is over.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "chaos/faults.hpp"
#include "chaos/history.hpp"

namespace tenon::chaos {

struct FaultRecord {
  std::string_view kind;
  Domain domain = Domain::link;
  Inflicted fault;
  Moment64 begun = 0;
  Moment64 healed = no_answer;
  Moment64 success_after_begun = no_answer;   // the first 2xx of a write that was sent after it, anywhere
  Moment64 success_after_healed = no_answer;  // the same through a node that it struck, sent after it was healed

  [[nodiscard]] bool skipped() const { return !fault.skipped.empty(); }
  [[nodiscard]] bool struck() const { return !fault.proof.empty(); }
};

struct ConductorSettings {
  std::vector<std::string> only = {};  // names of kinds; empty: all
  bool patient = false;                // holds may pass all timeouts
  std::chrono::milliseconds gap{800};  // between a fault's end and the next, on average
  unsigned overlapping_percent = 20;
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

class Conductor {
 public:
  // The references outlive it. Throws std::invalid_argument when `only` names none of the kinds.
  Conductor(Stack& stack, History& history, ConductorSettings settings, std::uint64_t seed);

  // Returns when the last fault before `until` is healed and the cluster whole again. Throws when it does not become
  // so.
  void conduct(Moment64 until);
  [[nodiscard]] const std::vector<FaultRecord>& records() const noexcept { return records_; }

 private:
  [[nodiscard]] const FaultKind& draw();
  [[nodiscard]] const FaultKind* draw_beside(Domain domain);
  void strike_once();
  FaultRecord begin(const FaultKind& kind);
  void heal(FaultRecord& record);
  void await_success(FaultRecord& record);

  Stack& stack_;
  History& history_;
  ConductorSettings settings_;
  Random random_;
  std::vector<FaultKind> kinds_;
  std::vector<const FaultKind*> bag_;  // what is left of a round in which each kind comes as often as its weight
  std::vector<FaultRecord> records_;
};

}  // namespace tenon::chaos
