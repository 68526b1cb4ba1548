#include "chaos/run.hpp"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "chaos/stack.hpp"

namespace tenon::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds warm_up{1};
constexpr seconds baseline{3};
constexpr seconds settle_patience{30};  // what is promised: after healing, each key has its final answer within that
constexpr seconds whole_patience{60};
constexpr std::size_t repeats_most = 6'000;

std::string content_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

void apply_mutant(Stack& stack, const RunSettings& settings) {
  const std::filesystem::path file = settings.mutants / (settings.mutant + ".sql");
  if (settings.mutant.empty() || !std::filesystem::exists(file)) return;
  settings.say("the schema is changed by " + file.string());
  (void)postgres::Session(stack.primary().conninfo()).script(content_of(file));
}

StackSettings stack_settings(const RunSettings& settings) {
  const bool switched = !settings.mutant.empty() || !settings.failpoint.empty();
  StackSettings stack{.node_program = switched ? settings.switched_program : settings.node_program,
                      .switched_program = settings.switched_program,
                      .key_lifetime = settings.faults_for + seconds(600),
                      .artefacts = settings.artefacts};
  if (!settings.mutant.empty()) stack.node_environment.push_back("TENON_TEST_SWITCH=" + settings.mutant);
  if (settings.mutant == "fsync_ignored") stack.server_preload = settings.no_sync_library;
  if (!settings.failpoint.empty()) stack.node_environment.push_back("TENON_FAILPOINT=" + settings.failpoint);
  return stack;
}

void count(Report& report, History& history, const Clients& clients) {
  report.acknowledged = history.acknowledged();
  for (std::size_t kind = 0; kind < kinds_count; ++kind) report.succeeded[name_of(static_cast<Kind>(kind))] = 0;
  for (const Call& call : history.calls()) {
    report.succeeded[name_of(call.kind)] += call.succeeded() ? 1 : 0;
    report.keys += call.key.empty() ? 0 : 1;
    report.sendings += call.attempts.size();
  }
  const ClientsCounts& counts = clients.counts();
  report.unanswered = counts.unanswered;
  report.retries = counts.retries;
  report.late_repeats = counts.late_repeats;
  report.to_all_nodes = counts.sent_to_all_nodes;
  report.twice = counts.sent_twice;
  report.aborted = counts.bodies_aborted;
}

}  // namespace

Report run(const RunSettings& settings) {
  Report report{.seed = settings.seed, .faults_wanted = settings.faults_for > seconds(0)};
  Random random(settings.seed);
  if (!settings.artefacts.empty()) std::filesystem::create_directories(settings.artefacts);
  settings.say("setting up PostgreSQL with a synchronous standby, Redis and three nodes");
  Stack stack(stack_settings(settings));
  apply_mutant(stack, settings);
  History history(settings.artefacts.empty() ? "" : settings.artefacts / "history.jsonl");
  ClientsSettings clients_settings{.secret = stack.secret(), .clients = settings.clients, .think = settings.think};
  for (std::size_t i = 0; i < nodes_count; ++i) clients_settings.ports[i] = stack.entry_port(i);
  Clients clients(clients_settings, history, random.seed());
  clients.make_items();
  clients.start();
  std::this_thread::sleep_for(warm_up);
  const std::uint64_t before = history.acknowledged();
  std::this_thread::sleep_for(baseline);
  report.writes_a_second_before =
      static_cast<double>(history.acknowledged() - before) / static_cast<double>(baseline.count());
  settings.say(fmt::format("{:.0f} writes a second are acknowledged; the faults begin", report.writes_a_second_before));

  Conductor conductor(stack, history,
                      {.only = settings.only,
                       .patient = settings.faults_for > seconds(120),
                       .gap = milliseconds(settings.faults_for > seconds(120) ? 800 : 250),
                       .say = settings.say},
                      random.seed());
  const Moment64 begun = history.now();
  try {
    conductor.conduct(begun + std::chrono::nanoseconds(settings.faults_for).count());
  } catch (const std::exception& failure) {
    report.broken = failure.what();
  }
  report.faults = conductor.records();
  const Moment64 healed = history.now();
  report.seconds = static_cast<double>(healed - begun) / 1e9;
  settings.say("the faults are over; each key is asked for until it has its final answer");
  clients.settle(settle_patience);
  report.settled_seconds = static_cast<double>(history.now() - healed) / 1e9;
  if (report.broken.empty()) clients.repeat(repeats_most);
  count(report, history, clients);
  // Who ended since the last fault, or goes on but serves nobody, is seen now or never.
  if (report.broken.empty() && !stack.healthy(whole_patience))
    report.broken = fmt::format("the cluster is not whole at the end:\n{}", stack.node_log(0));

  settings.say("checking");
  Evidence evidence{.calls = history.calls(),
                    .items = clients.items(),
                    .faults = conductor.records(),
                    .superuser = stack.primary().conninfo(),
                    .tenon = settings.node_program,
                    .complaints = stack.complaints()};
  for (std::size_t i = 0; i < nodes_count; ++i) {
    evidence.checkpoints.push_back(stack.node(i).data() / "audit-checkpoints");
    evidence.node_starts += stack.node(i).starts;
  }
  check_answers(evidence, report.findings);
  check_liveness(evidence, report.findings);
  check_nodes(evidence, report.findings);
  try {
    check_effects(evidence, report.findings);
    check_audit_tree(evidence, report.findings);
  } catch (const std::exception& failure) {
    if (report.broken.empty()) report.broken = failure.what();
  }
  check_histories(evidence, report.findings);
  check_limits(evidence, report.findings);
  return report;
}

}  // namespace tenon::chaos
