#include "chaos/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "chaos/linearizability.hpp"

namespace tenon::chaos {
namespace {

constexpr std::uint64_t kept_most = 20;

double in_seconds(Moment64 time) { return static_cast<double>(time) / 1e9; }

}  // namespace

void Findings::begin(std::string_view checker, std::string_view unit) {
  counts_.push_back({.name = checker, .checked = 0, .unit = unit, .violations = 0});
}

void Findings::violation(std::string what) {
  if (++counts_.back().violations <= kept_most)
    violations_.push_back({std::string(counts_.back().name), std::move(what)});
}

std::uint64_t Findings::total() const {
  std::uint64_t sum = 0;
  for (const CheckerCount& count : counts_) sum += count.violations;
  return sum;
}

namespace {

// PostgreSQL tells of a file that it may not open with the SQLSTATE of a missing right, which is a defect of ours at
// all other times.
bool is_explained(const Evidence& evidence, const Attempt& attempt) {
  return attempt.answer.code == "internal_error" && std::ranges::any_of(evidence.faults, [&](const FaultRecord& fault) {
           return fault.kind == "file system read-only" && attempt.answered >= fault.begun &&
                  attempt.sent <= fault.healed;
         });
}

}  // namespace

void check_answers(const Evidence& evidence, Findings& findings) {
  findings.begin("answers_equal", "answers to repeated keys");
  for (const Call& call : evidence.calls) {
    if (!call.is_write()) continue;
    const Attempt* first = nullptr;
    for (const Attempt& attempt : call.attempts) {
      if (!attempt.answer.is_final) continue;
      if (first == nullptr) {
        first = &attempt;
        continue;
      }
      findings.checked();
      if (attempt.answer.digest != first->answer.digest)
        findings.violation(name_of(call) + " was told " + shown(*first) + " and " + shown(attempt));
    }
  }
  findings.begin("answers_expected", "answers");
  for (const Call& call : evidence.calls) {
    for (const Attempt& attempt : call.attempts) {
      if (attempt.answer.status != 0) findings.checked();
      if (!attempt.answer.text.empty() && !is_explained(evidence, attempt))
        findings.violation(name_of(call) + " was told " + shown(attempt) + " " + attempt.answer.text);
    }
  }
}

void check_liveness(const Evidence& evidence, Findings& findings) {
  findings.begin("liveness", "keys and faults");
  for (const Call& call : evidence.calls) {
    if (!call.is_write()) continue;
    findings.checked();
    if (call.first_final() == nullptr)
      findings.violation(fmt::format("{} has no final answer after {} attempts, the last {}", name_of(call),
                                     call.attempts.size(), shown(call.attempts.back())));
  }
  for (const FaultRecord& record : evidence.faults) {
    findings.checked();
    if (record.success_after_healed == no_answer)
      findings.violation(fmt::format("no write succeeded where \"{}\" ({}) at {:.1f} s had struck, after it was healed",
                                     record.kind, record.fault.detail, in_seconds(record.begun)));
  }
}

void check_nodes(const Evidence& evidence, Findings& findings) {
  findings.begin("nodes_stand", "starts of nodes");
  findings.checked(evidence.node_starts);
  for (const std::string& complaint : evidence.complaints) findings.violation(complaint);
}

namespace {

// One line of a call, as the model of one item sees it.
Operation operation_of(const Call& call, std::size_t line_number) {
  const Line& line = call.lines[line_number];
  Operation operation{
      .invoked = call.invoked(), .amount = line.quantity, .expected = call.expected, .label = name_of(call)};
  switch (call.kind) {
    case Kind::remove:
      operation.kind = Operation::Kind::remove;
      break;
    case Kind::create:
    case Kind::offer:
      operation.kind = Operation::Kind::create;
      operation.value = 1;
      break;
    case Kind::read:
      operation.kind = Operation::Kind::read;
      break;
    case Kind::visit:
    case Kind::restock:
      operation.kind = Operation::Kind::restock;
      break;
    case Kind::edit:
      operation.kind = Operation::Kind::edit;
      operation.value = line.quantity;
      break;
    default:
      operation.kind = Operation::Kind::sell;
  }
  const Attempt* final_answer = call.first_final();
  if (final_answer == nullptr) return operation;
  const Answer& answer = final_answer->answer;
  operation.returned = final_answer->answered;
  if (answer.status < 300) {
    operation.outcome = Operation::Outcome::done;
    if (call.kind == Kind::order) {
      operation.available = answer.line_available[line_number];
    } else if (call.kind == Kind::purchase || call.kind == Kind::visit) {
      operation.version = answer.version;
    } else {
      operation.version = answer.version;
      operation.available = answer.available;
      operation.sold = answer.sold;
      operation.told_value = answer.price;
    }
  } else if (answer.code == "conflict") {
    operation.outcome = Operation::Outcome::conflict;
    operation.version = answer.version;
  } else if (answer.code == "insufficient_stock" || answer.code == "not_active") {  // which says: 0
    operation.outcome = Operation::Outcome::insufficient;
    operation.available = answer.available;
  } else {
    operation.outcome = Operation::Outcome::absent;
  }
  return operation;
}

}  // namespace

void check_histories(const Evidence& evidence, Findings& findings) {
  findings.begin("linearizable", "operations");
  std::vector<std::vector<Operation>> of_item(evidence.items.size());
  for (const Call& call : evidence.calls) {
    if (call.kind == Kind::limited || call.lines.front().item == another_item) continue;
    const Attempt* final_answer = call.first_final();
    if (call.kind == Kind::read && final_answer == nullptr) continue;
    // A refused order touched nothing, and does not say which of its items refused it at what stock.
    if (call.kind == Kind::order && final_answer != nullptr && final_answer->answer.status >= 300) continue;
    for (std::size_t i = 0; i < call.lines.size(); ++i) of_item[call.lines[i].item].push_back(operation_of(call, i));
  }
  for (std::size_t i = 0; i < of_item.size(); ++i) {
    findings.checked(of_item[i].size());
    const std::size_t configurations_max = std::max<std::size_t>(2'000'000, 50 * of_item[i].size());
    // Rooms are there from the beginning.
    const ResourceState initial{.exists = evidence.items[i].place == Item::Place::room};
    const Verdict verdict = check(initial, of_item[i], configurations_max);
    if (!verdict.decided) findings.violation(fmt::format("item {}: not decided: {}", i, verdict.why));
    if (verdict.decided && !verdict.linearizable) findings.violation(fmt::format("item {}: {}", i, verdict.why));
  }
}

namespace {

// A node finds out within so long that Redis is back: it pauses for half a second at most between two looks.
constexpr Moment64 found_again = 2'000'000'000;

// Whatever makes a node lose sight of Redis, or forget what it knew of it. A moved wall clock is no such thing.
bool disturbs_limits(const FaultRecord& record) {
  if (record.skipped()) return false;
  return record.domain == Domain::redis || record.fault.detail.contains("Redis") ||
         (record.domain == Domain::node && record.kind != "node's clock moved");
}

}  // namespace

void check_limits(const Evidence& evidence, Findings& findings) {
  findings.begin("limits", "admitted requests");
  std::vector<FaultRecord> disturbances;
  std::ranges::copy_if(evidence.faults, std::back_inserter(disturbances), disturbs_limits);
  struct Admitted {
    Moment64 sent, answered;
  };
  std::map<std::uint32_t, std::vector<Admitted>> of_subject;
  for (const Call& call : evidence.calls) {
    if (call.kind != Kind::limited || call.first_final() == nullptr || call.first_final()->answer.status >= 500)
      continue;
    of_subject[call.lines.front().item].push_back({call.invoked(), call.first_final()->answered});
  }
  // decisions/0008: capacity + rate x t, and two capacities more for each time that Redis is lost and back.
  constexpr double rate = static_cast<double>(limited_quota) / 10e9;
  for (auto& [subject, admitted] : of_subject) {
    findings.checked(admitted.size());
    std::ranges::sort(admitted, {}, &Admitted::sent);
    bool told = false;
    for (std::size_t i = 0; i < admitted.size() && !told; ++i) {
      Moment64 to = 0;
      for (std::size_t j = i; j < admitted.size() && !told; ++j) {
        const Moment64 from = admitted[i].sent;
        to = std::max(to, admitted[j].answered);
        // One that was over when the window opened left at most a full bucket, as there is without it.
        const auto times = std::ranges::count_if(disturbances, [&](const FaultRecord& disturbance) {
          return disturbance.begun <= to && disturbance.healed >= from - found_again;
        });
        const double bound = static_cast<double>(limited_quota) * (1 + 2 * static_cast<double>(times)) +
                             rate * static_cast<double>(to - from) + 1;
        if (static_cast<double>(j - i + 1) <= bound) continue;
        told = true;
        findings.violation(
            fmt::format("subject {}: {} admitted in {:.2f} s from {:.2f} s on, at most {:.0f} are promised", subject,
                        j - i + 1, in_seconds(to - from), in_seconds(from), bound));
      }
    }
  }
}

}  // namespace tenon::chaos
