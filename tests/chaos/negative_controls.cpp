// tenon_negative_controls: runs the harness (tenon_chaos) against each mutant and tells which of its checkers noticed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <sstream>

#include "chaos/mutants.hpp"
#include "support/child_program.hpp"
#include "support/temporary_folder.hpp"

namespace tenon::chaos {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::minutes patience{6};

struct Outcome {
  const Mutant* mutant = nullptr;
  enum class Verdict : std::uint8_t { caught, missed, failed } verdict = Verdict::failed;
  std::string told = {};  // what the harness said of it
  double seconds = 0;
};

// The harness' last line: "mutant NAME was caught by CHECKER (n), CHECKER (n); besides: CHECKER (n)".
std::string last_line(const std::string& text) {
  std::string last;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

Outcome run(const Mutant& mutant, std::uint64_t seed, const std::filesystem::path& errors) {
  std::vector<std::string> arguments{TENON_CHAOS, "--quiet",
                                     "--mutant",  std::string(mutant.name),
                                     "--tenon",   TENON_UNDER_TEST,
                                     "--seed",    std::to_string(seed != 0 ? seed : mutant.seed),
                                     "--seconds", std::to_string(mutant.seconds)};
  if (!mutant.faults.empty()) arguments.insert(arguments.end(), {"--faults", std::string(mutant.faults)});
  const auto started = steady_clock::now();
  test::ChildProgram harness(arguments, errors);
  const auto code = harness.await_end(patience);
  Outcome outcome{.mutant = &mutant, .seconds = std::chrono::duration<double>(steady_clock::now() - started).count()};
  outcome.told =
      code == 0 || code == 1 || code == 3 ? last_line(harness.output()) : "the harness: " + last_line(harness.errors());
  if (code == 0) outcome.verdict = Outcome::Verdict::caught;
  if (code == 1) outcome.verdict = Outcome::Verdict::missed;
  const std::string preamble = fmt::format("mutant {} was caught by ", mutant.name);
  if (outcome.told.starts_with(preamble)) outcome.told.erase(0, preamble.size());
  return outcome;
}

void print(const Outcome& outcome) {
  constexpr std::array verdicts{"caught", "MISSED", "FAILED"};
  fmt::print("{:<29} {:<62} {:<6} {:>4.0f} s  {}\n", outcome.mutant->name, outcome.mutant->broken,
             verdicts.at(static_cast<std::size_t>(outcome.verdict)), outcome.seconds, outcome.told);
  std::fflush(stdout);
}

int main_of(int argc, char** argv) {
  CLI::App app(
      "The harness against programs with one safeguard broken: every one has to be noticed. Exit code 0: all were; 1: "
      "one was "
      "not; 2: the harness could not run");
  std::vector<std::string> names;
  std::uint64_t seed = 0;
  bool list = false;
  app.add_option("--only", names, "only these, by name, separated by commas")->delimiter(',');
  app.add_option("--seed", seed, "of all runs, instead of each one's own");
  app.add_flag("--list", list, "print them, run none");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::vector<const Mutant*> chosen;
  for (const std::string& name : names) {
    chosen.push_back(find_mutant(name));
    if (chosen.back() == nullptr) throw std::runtime_error("there is no mutant " + name + ": --list names them");
  }
  if (chosen.empty()) {
    for (const Mutant& mutant : mutants()) chosen.push_back(&mutant);
  }
  if (list) {
    for (const Mutant* mutant : chosen) fmt::print("{:<29} {}\n", mutant->name, mutant->broken);
    return 0;
  }
  const test::TemporaryFolder folder;
  std::size_t caught = 0;
  int code = 0;
  for (const Mutant* mutant : chosen) {
    const Outcome outcome = run(*mutant, seed, folder.path() / "errors");
    print(outcome);
    if (outcome.verdict == Outcome::Verdict::caught) ++caught;
    if (outcome.verdict == Outcome::Verdict::missed) code = std::max(code, 1);
    if (outcome.verdict == Outcome::Verdict::failed) code = 2;
  }
  fmt::print("{} of {} mutants were caught\n", caught, chosen.size());
  return code;
}

}  // namespace
}  // namespace tenon::chaos

int main(int argc, char** argv) {
  try {
    return tenon::chaos::main_of(argc, argv);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "tenon_negative_controls: {}\n", failure.what());
    return 2;
  }
}
