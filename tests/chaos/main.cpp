// tenon_chaos: a cluster of three nodes under every fault that we can make, and what its clients, its database and its
// audit log say afterwards.
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "chaos/run.hpp"
#include "chaos/verdict.hpp"

namespace tenon::chaos {
namespace {

constexpr int bad_usage = 2;

void list_kinds() {
  for (const FaultKind& kind : fault_kinds()) fmt::print("{}\n", kind.name);
}

// What we mount is ours alone, and goes with us.
void leave_mounts_alone() {
  if (unshare(CLONE_NEWNS) == 0) (void)mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
}

int main_of(int argc, char** argv) {
  CLI::App app(
      "Three nodes, PostgreSQL with a synchronous standby and Redis under faults that are drawn from a seed. "
      "Exit code 0: nothing was violated; 1: something was; 2: it could not run; 3: void, it says nothing");
  RunSettings settings{.node_program = TENON_BINARY,
                       .switched_program = TENON_UNDER_TEST,
                       .mutants = TENON_MUTANTS,
                       .no_sync_library = TENON_NO_SYNC};
  double minutes = 0;
  std::int64_t seconds = 20;
  std::int64_t think = settings.think.count();
  std::string json;
  bool list = false;
  bool quiet = false;
  app.add_option("--seed", settings.seed, "what everything is drawn from")->capture_default_str();
  app.add_option("--seconds", seconds, "of faults; setting up and checking come on top")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  app.add_option("--minutes", minutes, "instead of --seconds")->check(CLI::Range(0.0, 1'500.0));
  app.add_option("--faults", settings.only, "only these kinds, by name, separated by commas")->delimiter(',');
  app.add_option(
      "--mutant", settings.mutant,
      "break this safeguard; exit code 0 when a checker of it notices, 1 when none does, 3 when it could not be tried");
  app.add_option("--failpoint", settings.failpoint, "STEP=ACTION@N[:K] for the nodes");
  app.add_option("--clients", settings.clients, "that write at the same time")
      ->check(CLI::Range(1, 200))
      ->capture_default_str();
  app.add_option("--think", think, "milliseconds that a client waits between two calls, on average")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  app.add_option("--artefacts", settings.artefacts, "folder for the history (JSON Lines) and the nodes' logs");
  app.add_option("--json", json, "file for the report");
  app.add_option("--tenon", settings.node_program, "the program that is attacked")->check(CLI::ExistingFile);
  app.add_option("--under-test", settings.switched_program, "the same program with test switches")
      ->check(CLI::ExistingFile);
  app.add_flag("--list", list, "print the kinds of faults");
  app.add_flag("--quiet", quiet, "only the report");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : bad_usage;
  }
  if (list) {
    list_kinds();
    return 0;
  }
  settings.faults_for =
      minutes > 0 ? std::chrono::seconds(static_cast<std::int64_t>(minutes * 60)) : std::chrono::seconds(seconds);
  settings.think = std::chrono::milliseconds(think);
  if (!quiet) {
    settings.say = [](const std::string& line) {
      fmt::print(stderr, "chaos: {}\n", line);
      std::fflush(stderr);
    };
  }
  const Mutant* mutant = find_mutant(settings.mutant);
  if (mutant == nullptr && !settings.mutant.empty())
    throw std::invalid_argument("there is no mutant " + settings.mutant +
                                ": tenon_negative_controls --list names them");
  leave_mounts_alone();
  fmt::print(stderr, "chaos: seed {}\n", settings.seed);
  const Report report = run(settings);
  fmt::print("{}", table_of(report));
  if (!json.empty()) std::ofstream(json) << json_of(report);
  if (mutant == nullptr) return report.exit_code();
  const MutantVerdict verdict = verdict_of(report, *mutant);
  fmt::print("{}\n", verdict.told);
  return verdict.exit_code;
}

}  // namespace
}  // namespace tenon::chaos

int main(int argc, char** argv) {
  try {
    return tenon::chaos::main_of(argc, argv);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "chaos: {}\n", failure.what());
    return tenon::chaos::bad_usage;
  }
}
