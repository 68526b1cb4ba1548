// One run: the cluster, its clients, the faults, and what is found at the end.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "chaos/report.hpp"

namespace tenon::chaos {

struct RunSettings {
  std::uint64_t seed = 1;
  std::chrono::seconds faults_for{20};  // how long faults are inflicted; setting up and checking come on top
  std::vector<std::string> only = {};   // kinds of faults; empty: all
  std::string mutant = {};              // the program with this one of its safeguards broken; empty: as it is
  std::string failpoint = {};           // of every node, as the binary with test switches takes it
  std::filesystem::path node_program;
  std::filesystem::path switched_program;  // with test switches: what mutants and failpoints are of
  std::filesystem::path mutants;           // folder with the mutants that are SQL: NAME.sql
  std::filesystem::path no_sync_library;   // what PostgreSQL is started with for the mutant fsync_ignored
  std::filesystem::path artefacts = {};    // where the history and the nodes' logs go; empty: nowhere
  std::size_t clients = 16;
  std::chrono::milliseconds think{30};
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

// Throws when the cluster cannot be set up at all.
[[nodiscard]] Report run(const RunSettings& settings);

}  // namespace tenon::chaos
