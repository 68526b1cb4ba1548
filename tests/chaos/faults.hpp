// What is done to the cluster. Each fault shows that it took effect, or the run is void.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chaos/random.hpp"
#include "chaos/stack.hpp"

namespace tenon::chaos {

constexpr unsigned all_nodes = (1U << nodes_count) - 1;

// A fault that was begun.
struct Inflicted {
  std::string detail = {};     // which node, which moment, for how long
  std::string step = {};       // of the commit path, where the fault is aimed at one
  std::string proof = {};      // what showed that it took effect; empty: nothing did
  std::string skipped = {};    // why it could not be tried here; it then counts neither way
  Monotonic struck = {};       // when, where that was not at its beginning
  unsigned nodes = all_nodes;  // whose clients may feel it, as bits
  std::chrono::milliseconds hold{0};
  std::function<void()> heal = [] {};  // ends it; throws when it cannot
};

// Faults of one domain are never in force at the same time.
enum class Domain : std::uint8_t { node, database, link, redis };

struct FaultKind {
  std::string_view name;
  Domain domain;
  unsigned weight;
  Inflicted (*begin)(Stack&, Random&, bool patient);  // patient: a long run, in which holds may pass all timeouts
  // It strikes in the middle of a write, which takes a cluster that writes: it joins no fault that is in force.
  bool takes_writes = false;
};

// How long something that is bound to happen is waited for until a fault counts as one that was not seen to strike: far
// longer than it takes, also on a machine that has other work.
constexpr std::chrono::seconds proof_patience{30};

[[nodiscard]] const std::vector<FaultKind>& fault_kinds();

// Those of each domain; fault_kinds() is all of them.
[[nodiscard]] std::vector<FaultKind> node_faults();
[[nodiscard]] std::vector<FaultKind> database_faults();
[[nodiscard]] std::vector<FaultKind> disk_faults();
[[nodiscard]] std::vector<FaultKind> link_faults();
[[nodiscard]] std::vector<FaultKind> redis_faults();

constexpr std::chrono::seconds start_patience{60};
void start_again(PostgresServer& server);  // returns when it answers; throws when it does not

// Polls until it is true, for so long.
[[nodiscard]] bool comes_true(std::chrono::milliseconds patience, const std::function<bool()>& condition);

}  // namespace tenon::chaos
