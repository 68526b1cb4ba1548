#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "chaos/faults.hpp"
#include "support/raw_client.hpp"

namespace tenon::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::optional<test::RawResponse> alive_answer(const StackNode& node, milliseconds patience) {
  try {
    test::RawClient client(node.port, patience);
    client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    return client.read();
  } catch (const test::RawClientError&) {
    return std::nullopt;
  }
}

void start_again(Stack& stack, std::size_t i) {
  stack.start_node(i);
  if (!stack.node_serves(i, start_patience))
    throw std::runtime_error("node did not start again:\n" + stack.node_log(i));
}

Inflicted kill_node(Stack& stack, Random& random, bool) {
  const std::size_t i = random.below(nodes_count);
  stack.note_end(i);
  postgres::ChildProcess& child = *stack.node(i).child;
  Inflicted fault{.detail = fmt::format("node {}", i), .nodes = 1U << i, .hold = milliseconds(random.below(1'500))};
  child.signal(SIGKILL);
  const auto status = child.wait_until(monotonic_now() + proof_patience);
  if (status && WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL) fault.proof = "ended by SIGKILL";
  fault.heal = [&stack, i] { start_again(stack, i); };
  return fault;
}

Inflicted stop_node(Stack& stack, Random& random, bool) {
  const std::size_t i = random.below(nodes_count);
  stack.note_end(i);
  postgres::ChildProcess& child = *stack.node(i).child;
  Inflicted fault{.detail = fmt::format("node {}", i), .nodes = 1U << i, .hold = milliseconds(random.below(500))};
  child.signal(SIGTERM);
  const auto status = child.wait_until(monotonic_now() + proof_patience);
  const bool exited = status && WIFEXITED(*status);
  fault.proof = exited ? fmt::format("exit code {}", WEXITSTATUS(*status)) : "signal sent";
  if (!exited || WEXITSTATUS(*status) != 0)
    stack.complain(fmt::format("node {} was asked to stop: {}; {}", i,
                               exited ? fault.proof : "it did not exit by itself", stack.node_log(i)));
  fault.heal = [&stack, i] { start_again(stack, i); };
  return fault;
}

struct Step {
  std::string_view name;
  std::int64_t passes;  // it dies at one of so many, which a node makes within seconds
};

// Only one node seals at a time, and it keeps its turn: the others let it go until it comes to the one in question.
void take_turns_at_sealing(PostgresServer& primary, Monotonic& last) {
  if (monotonic_now() - last < seconds(1)) return;
  last = monotonic_now();
  std::ignore =
      primary.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'tenon_sealer'");
}

// It dies by its own hand at a step of a write: one of the next that pass there.
Inflicted kill_at_step(Stack& stack, Random& random, bool) {
  constexpr std::array steps{Step{"before_latch", 60},     Step{"in_latch", 3},        Step{"latched", 60},
                             Step{"before_statement", 60}, Step{"statement_sent", 60}, Step{"answer_came", 60},
                             Step{"before_response", 60},  Step{"executed", 10},       Step{"before_commit", 10},
                             Step{"committed", 10},        Step{"sealed", 2}};
  const std::size_t i = random.below(nodes_count);
  const Step& step = steps[random.below(steps.size())];
  StackNode& node = stack.node(i);
  stack.note_end(i);
  node.child->signal(SIGKILL);
  (void)node.child->wait_until(monotonic_now() + proof_patience);
  stack.start_node(i, fmt::format("{}=kill@{}", step.name, random.between(1, step.passes)));
  Inflicted fault{
      .detail = fmt::format("node {}", i), .step = fmt::format("node killed at {}", step.name), .nodes = 1U << i};
  const Monotonic until = monotonic_now() + proof_patience;
  Monotonic turn{};
  while (node.alive() && monotonic_now() < until) {
    if (stack.node_listens(i) && step.name == "sealed") take_turns_at_sealing(stack.primary(), turn);
    (void)node.child->wait_until(monotonic_now() + milliseconds(5));
  }
  fault.struck = monotonic_now();
  const auto status = node.child->wait_until(monotonic_now());
  if (status && WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL) {
    fault.proof = "killed itself there";
  } else {
    stack.note_end(i);
  }
  fault.heal = [&stack, i] { start_again(stack, i); };
  return fault;
}

std::string state_of(pid_t process) {
  std::string line;
  std::getline(std::ifstream(fmt::format("/proc/{}/stat", process)), line);
  const std::size_t name = line.rfind(')');
  return name == std::string::npos || name + 2 >= line.size() ? "" : line.substr(name + 2, 1);
}

Inflicted freeze_node(Stack& stack, Random& random, bool patient) {
  const std::size_t i = random.below(nodes_count);
  StackNode& node = stack.node(i);
  const bool past_timeouts = patient && random.chance(40);
  Inflicted fault{.detail = fmt::format("node {}{}", i, past_timeouts ? ", past all timeouts" : ""),
                  .nodes = 1U << i,
                  .hold = milliseconds(past_timeouts ? random.between(12'000, 16'000) : random.between(300, 2'000))};
  const pid_t process = node.child->pid();
  node.child->signal(SIGSTOP);
  if (comes_true(proof_patience, [&] { return state_of(process) == "T"; })) fault.proof = "state T";
  fault.heal = [&node] { node.child->signal(SIGCONT); };
  return fault;
}

Inflicted move_clock(Stack& stack, Random& random, bool) {
  const std::size_t i = nodes_count - 1;
  const std::int64_t jump = (random.chance(50) ? 1 : -1) * random.between(1'800, 5'400);
  Inflicted fault{.detail = fmt::format("node {}, {:+} s", i, jump),
                  .nodes = 1U << i,
                  .hold = milliseconds(random.between(500, 3'000))};
  if (clock_library().empty()) {
    fault.skipped = "no library that moves a node's clock";
    return fault;
  }
  stack.set_clock(fmt::format("{:+}", jump));
  const auto shown_jump = [&] {
    const auto answer = alive_answer(stack.node(i), seconds(1));
    tm date{};
    if (!answer || strptime(answer->header("Date").value_or("").c_str(), "%a, %d %b %Y %H:%M:%S", &date) == nullptr)
      return false;
    return std::abs(timegm(&date) - std::time(nullptr) - jump) < 60;
  };
  if (comes_true(proof_patience, shown_jump)) fault.proof = "its Date says so";
  fault.heal = [&stack] { stack.set_clock("+0"); };
  return fault;
}

// No descriptor is left: its sessions with the database end, and it cannot make others; nor can it take clients.
Inflicted exhaust_descriptors(Stack& stack, Random& random, bool) {
  const std::size_t i = random.below(nodes_count);
  StackNode& node = stack.node(i);
  Inflicted fault{
      .detail = fmt::format("node {}", i), .nodes = 1U << i, .hold = milliseconds(random.between(500, 2'500))};
  const pid_t process = node.child->pid();
  rlimit before{};
  if (prlimit(process, RLIMIT_NOFILE, nullptr, &before) != 0) {
    fault.skipped = "prlimit is not allowed";
    return fault;
  }
  const rlimit nothing{.rlim_cur = 3, .rlim_max = before.rlim_max};
  if (prlimit(process, RLIMIT_NOFILE, &nothing, nullptr) != 0) {
    fault.skipped = "prlimit is not allowed";
    return fault;
  }
  if (random.chance(50)) {
    for (Link& link : node.database) link.reset();
  }
  // Slow is not enough: it answers nobody until it gets them back, three in a row.
  const auto answers_nobody = [&] {
    for (int tries = 0; tries < 3; ++tries) {
      if (alive_answer(node, seconds(1))) return false;
    }
    return true;
  };
  if (comes_true(proof_patience, answers_nobody)) fault.proof = "takes no connection";
  fault.heal = [process, before] { prlimit(process, RLIMIT_NOFILE, &before, nullptr); };
  return fault;
}

}  // namespace

std::vector<FaultKind> node_faults() {
  return {{"node killed", Domain::node, 3, kill_node},
          {"node killed at a step", Domain::node, 3, kill_at_step, true},
          {"node stopped", Domain::node, 1, stop_node},
          {"node frozen", Domain::node, 2, freeze_node},
          {"node's clock moved", Domain::node, 1, move_clock},
          {"node without descriptors", Domain::node, 1, exhaust_descriptors}};
}

}  // namespace tenon::chaos
