#include "chaos/conductor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <thread>

namespace tenon::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds whole_patience{60};
constexpr seconds success_patience{20};  // an answer that a client waits for its longest, and a bit

double in_seconds(Moment64 time) { return static_cast<double>(time) / 1e9; }

}  // namespace

const std::vector<FaultKind>& fault_kinds() {
  static const std::vector<FaultKind> all = [] {
    std::vector<FaultKind> kinds;
    for (const auto& some : {node_faults(), database_faults(), disk_faults(), link_faults(), redis_faults()})
      kinds.insert(kinds.end(), some.begin(), some.end());
    return kinds;
  }();
  return all;
}

void start_again(PostgresServer& server) {
  server.start();
  if (!server.answers(start_patience))
    throw std::runtime_error("PostgreSQL did not start again:\n" + server.log_tail());
}

bool comes_true(milliseconds patience, const std::function<bool()>& condition) {
  const Monotonic until = monotonic_now() + patience;
  while (!condition()) {
    if (monotonic_now() > until) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

Conductor::Conductor(Stack& stack, History& history, ConductorSettings settings, std::uint64_t seed)
    : stack_(stack), history_(history), settings_(std::move(settings)), random_(seed) {
  for (const FaultKind& kind : fault_kinds()) {
    if (settings_.only.empty() || std::ranges::find(settings_.only, kind.name) != settings_.only.end())
      kinds_.push_back(kind);
  }
  for (const std::string& name : settings_.only) {
    if (std::ranges::find(fault_kinds(), name, &FaultKind::name) == fault_kinds().end())
      throw std::invalid_argument("there is no fault \"" + name + "\": --list names them");
  }
}

const FaultKind& Conductor::draw() {
  if (bag_.empty()) {
    // Each kind once first, so that a short run sees as many as it can; then the rest of their weights.
    for (unsigned round = 3; round >= 1; --round) {
      std::vector<const FaultKind*> some;
      for (const FaultKind& kind : kinds_) {
        if (kind.weight >= round) some.push_back(&kind);
      }
      for (std::size_t i = some.size(); i > 1; --i) std::swap(some[i - 1], some[random_.below(i)]);
      bag_.insert(bag_.end(), some.begin(), some.end());
    }
  }
  const FaultKind& kind = *bag_.back();
  bag_.pop_back();
  return kind;
}

// Of another domain, where both can be told apart: a link's fault needs its nodes alive to be seen.
const FaultKind* Conductor::draw_beside(Domain domain) {
  if (domain == Domain::link || !random_.chance(settings_.overlapping_percent)) return nullptr;
  std::vector<const FaultKind*> fitting;
  for (const FaultKind& kind : kinds_) {
    if (kind.domain != domain && kind.domain != Domain::link && !kind.takes_writes) fitting.push_back(&kind);
  }
  return fitting.empty() ? nullptr : random_.one_of(fitting);
}

void Conductor::conduct(Moment64 until) {
  while (history_.now() < until && !kinds_.empty()) {
    const auto gap = random_.below(2 * static_cast<std::uint64_t>(settings_.gap.count()) + 1);
    std::this_thread::sleep_for(milliseconds(gap));
    strike_once();
  }
}

FaultRecord Conductor::begin(const FaultKind& kind) {
  FaultRecord record{.kind = kind.name, .domain = kind.domain, .fault = {}, .begun = history_.now()};
  record.fault = kind.begin(stack_, random_, settings_.patient);
  if (record.fault.struck != Monotonic{}) record.begun = history_.at(record.fault.struck);
  history_.note(fmt::format(R"({{"at":{},"fault":"{}","detail":"{}","struck":{}}})", record.begun, kind.name,
                            record.fault.detail, record.struck()));
  return record;
}

void Conductor::heal(FaultRecord& record) {
  record.fault.heal();
  record.healed = history_.now();
  history_.note(fmt::format(R"({{"at":{},"healed":"{}"}})", record.healed, record.kind));
}

void Conductor::await_success(FaultRecord& record) {
  std::ignore = comes_true(success_patience, [&] {
    record.success_after_healed = history_.first_success(record.healed, record.fault.nodes);
    return record.success_after_healed != no_answer;
  });
  record.success_after_begun = history_.first_success(record.begun, all_nodes);
  settings_.say(fmt::format(
      "{:7.1f} s  {}{}{}: {}; first 2xx {:.2f} s after it, {:.2f} s after its end", in_seconds(record.begun),
      record.kind, record.fault.detail.empty() ? "" : ", ", record.fault.detail,
      record.skipped() ? "skipped, " + record.fault.skipped
                       : (record.struck() ? record.fault.proof : "NOT SEEN TO STRIKE"),
      in_seconds(record.success_after_begun - record.begun), in_seconds(record.success_after_healed - record.healed)));
}

void Conductor::strike_once() {
  const FaultKind& kind = draw();
  std::vector<FaultRecord> records;
  const Monotonic started = monotonic_now();
  records.push_back(begin(kind));
  if (const FaultKind* other = draw_beside(kind.domain)) records.push_back(begin(*other));
  // A node's last: one that starts needs its database.
  std::ranges::stable_sort(records, {}, [](const FaultRecord& record) { return record.domain == Domain::node; });
  for (FaultRecord& record : records) {
    std::this_thread::sleep_until(started + record.fault.hold);
    heal(record);
  }
  stack_.heal_links();
  if (!stack_.healthy(whole_patience)) {
    throw std::runtime_error(fmt::format("the cluster is not whole {} s after \"{}\" was healed:\n{}",
                                         whole_patience.count(), records.front().kind, stack_.node_log(0)));
  }
  for (FaultRecord& record : records) {
    await_success(record);
    records_.push_back(std::move(record));
  }
}

}  // namespace tenon::chaos
