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

constexpr seconds start_patience{60};

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

// It dies by its own hand at a step of a write: one of the next that pass there.
Inflicted kill_at_step(Stack& stack, Random& random, bool) {
  constexpr std::array steps{"before_latch",   "latched",     "before_statement",
                             "statement_sent", "answer_came", "before_response"};
  const std::size_t i = random.below(nodes_count);
  const std::string step = steps[random.below(steps.size())];
  StackNode& node = stack.node(i);
  node.child->signal(SIGKILL);
  (void)node.child->wait_until(monotonic_now() + proof_patience);
  stack.start_node(i, fmt::format("{}=kill@{}", step, random.between(1, 60)));
  Inflicted fault{.detail = fmt::format("node {}", i), .step = "node killed at " + step, .nodes = 1U << i};
  const Monotonic until = monotonic_now() + proof_patience;
  while (node.alive() && monotonic_now() < until) {
    (void)stack.node_listens(i);
    (void)node.child->wait_until(monotonic_now() + milliseconds(5));
  }
  fault.struck = monotonic_now();
  const auto status = node.child->wait_until(monotonic_now());
  if (status && WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL) fault.proof = "killed itself there";
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
    fault.skipped = "libfaketime is not installed";
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
  prlimit(process, RLIMIT_NOFILE, &nothing, nullptr);
  if (random.chance(50)) {
    for (Link& link : node.database) link.reset();
  }
  // Slow is not enough: it answers nobody until it gets them back.
  if (comes_true(proof_patience, [&] { return !alive_answer(node, seconds(1)); })) fault.proof = "takes no connection";
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
