#include "chaos/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "base/json_string.hpp"

namespace tenon::chaos {
namespace {

struct Row {
  std::uint64_t count = 0, struck = 0, skipped = 0;
  std::string why_skipped;
  std::vector<double> after_begun, after_healed;  // seconds
};

double in_seconds(Moment64 time) { return static_cast<double>(time) / 1e9; }

std::map<std::string, Row> rows_of(const Report& report) {
  std::map<std::string, Row> rows;
  for (const FaultRecord& record : report.faults) {
    Row& row = rows[std::string(record.kind)];
    if (record.skipped()) {
      ++row.skipped;
      row.why_skipped = record.fault.skipped;
      continue;
    }
    ++row.count;
    row.struck += record.struck() ? 1 : 0;
    if (record.success_after_begun != no_answer)
      row.after_begun.push_back(in_seconds(record.success_after_begun - record.begun));
    if (record.success_after_healed != no_answer)
      row.after_healed.push_back(in_seconds(record.success_after_healed - record.healed));
  }
  for (auto& [kind, row] : rows) {
    std::ranges::sort(row.after_begun);
    std::ranges::sort(row.after_healed);
  }
  return rows;
}

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(rank, sorted.size() - 1)];
}

std::string times(const std::vector<double>& sorted) {
  if (sorted.empty()) return fmt::format("{:>23}", "-");
  return fmt::format("{:7.2f} {:7.2f} {:7.2f}", percentile(sorted, 0.5), percentile(sorted, 0.99), sorted.back());
}

std::string json_times(const std::vector<double>& sorted) {
  return fmt::format(R"({{"p50":{:.3f},"p99":{:.3f},"max":{:.3f}}})", percentile(sorted, 0.5), percentile(sorted, 0.99),
                     sorted.empty() ? 0 : sorted.back());
}

std::map<std::string, std::uint64_t> steps_of(const Report& report) {
  std::map<std::string, std::uint64_t> steps;
  for (const FaultRecord& record : report.faults) {
    if (!record.fault.step.empty() && record.struck()) ++steps[record.fault.step];
  }
  return steps;
}

std::string json_string(const std::string& text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

}  // namespace

std::vector<std::string> Report::void_because() const {
  std::vector<std::string> reasons;
  if (writes_a_second_before < writes_a_second_least)
    reasons.push_back(fmt::format("{:.0f} acknowledged writes a second before the first fault, {:.0f} are wanted",
                                  writes_a_second_before, writes_a_second_least));
  for (const FaultRecord& record : faults) {
    if (!record.skipped() && !record.struck())
      reasons.push_back(fmt::format("\"{}\" ({}) at {:.1f} s was not seen to strike", record.kind, record.fault.detail,
                                    in_seconds(record.begun)));
  }
  if (faults_wanted && std::ranges::none_of(faults, &FaultRecord::struck)) reasons.emplace_back("no fault struck");
  for (const CheckerCount& count : findings.counts()) {
    if (count.checked == 0) reasons.push_back(fmt::format("{} had no {} to check", count.name, count.unit));
  }
  for (const auto& [kind, count] : succeeded) {
    if (count == 0) reasons.push_back(fmt::format("no {} succeeded", kind));
  }
  return reasons;
}

int Report::exit_code() const {
  if (findings.total() > 0 || !broken.empty()) return 1;
  return void_because().empty() ? 0 : 3;
}

std::string table_of(const Report& report) {
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(
      out,
      "\nseed {}: {:.0f} s of faults; {} keys, {} sendings ({} unanswered, {} retries, {} late repeats, {} "
      "to all nodes, "
      "{} twice to one, {} bodies aborted); {} writes acknowledged, {:.0f} a second before the first fault\n\n",
      report.seed, report.seconds, report.keys, report.sendings, report.unanswered, report.retries, report.late_repeats,
      report.to_all_nodes, report.twice, report.aborted, report.acknowledged, report.writes_a_second_before);
  fmt::format_to(out, "{:<28}{:>6}{:>8}   {:<25}{}\n{:<28}{:>6}{:>8}{:>8}{:>8}{:>8}  {:>8}{:>8}{:>8}\n", "", "", "",
                 "fault to first 2xx, s", "its end to first 2xx there, s", "fault", "times", "struck", "p50", "p99",
                 "max", "p50", "p99", "max");
  for (const auto& [kind, row] : rows_of(report)) {
    if (row.count == 0) {
      fmt::format_to(out, "{:<28} skipped: {}\n", kind, row.why_skipped);
      continue;
    }
    fmt::format_to(out, "{:<28}{:>6}{:>8} {}   {}\n", kind, row.count, row.struck, times(row.after_begun),
                   times(row.after_healed));
  }
  fmt::format_to(out, "\nsteps of the commit path:");
  for (const auto& [step, count] : steps_of(report)) fmt::format_to(out, " {} {},", step, count);
  text.back() = '\n';
  fmt::format_to(out, "each key had its final answer {:.2f} s after the last fault\n\n", report.settled_seconds);
  fmt::format_to(out, "{:<20}{:>10} {:<26}{:>10}\n", "checker", "checked", "", "violations");
  for (const CheckerCount& count : report.findings.counts())
    fmt::format_to(out, "{:<20}{:>10} {:<26}{:>10}\n", count.name, count.checked, count.unit, count.violations);
  for (const Violation& violation : report.findings.violations())
    fmt::format_to(out, "VIOLATION {}: {}\n", violation.checker, violation.what);
  if (!report.broken.empty()) fmt::format_to(out, "BROKEN: {}\n", report.broken);
  for (const std::string& reason : report.void_because()) fmt::format_to(out, "VOID: {}\n", reason);
  const int code = report.exit_code();
  fmt::format_to(out, "\n{}\n", code == 0 ? "green" : code == 3 ? "void: says nothing" : "RED");
  return text;
}

std::string json_of(const Report& report) {
  std::string faults, checkers, violations, reasons, steps;
  for (const auto& [kind, row] : rows_of(report)) {
    faults += fmt::format(
        R"({}{{"kind":{},"count":{},"struck":{},"skipped":{},"recovery_seconds":{},"after_healing_seconds":{}}})",
        faults.empty() ? "" : ",", json_string(kind), row.count, row.struck, row.skipped, json_times(row.after_begun),
        json_times(row.after_healed));
  }
  for (const CheckerCount& count : report.findings.counts()) {
    checkers += fmt::format(R"({}{{"checker":"{}","checked":{},"unit":"{}","violations":{}}})",
                            checkers.empty() ? "" : ",", count.name, count.checked, count.unit, count.violations);
  }
  for (const Violation& violation : report.findings.violations()) {
    violations += fmt::format(R"({}{{"checker":"{}","what":{}}})", violations.empty() ? "" : ",", violation.checker,
                              json_string(violation.what));
  }
  for (const std::string& reason : report.void_because()) reasons += (reasons.empty() ? "" : ",") + json_string(reason);
  for (const auto& [step, count] : steps_of(report))
    steps += fmt::format(R"({}{}:{})", steps.empty() ? "" : ",", json_string(step), count);
  return fmt::format(
      R"({{"seed":{},"seconds":{:.1f},"exit_code":{},"writes_a_second_before":{:.1f},"acknowledged":{},"keys":{},"sendings":{},)"
      R"("unanswered":{},"settled_seconds":{:.3f},"faults":[{}],"steps":{{{}}},"checkers":[{}],"violations":[{}],"void":[{}],)"
      R"("broken":{}}})"
      "\n",
      report.seed, report.seconds, report.exit_code(), report.writes_a_second_before, report.acknowledged, report.keys,
      report.sendings, report.unanswered, report.settled_seconds, faults, steps, checkers, violations, reasons,
      json_string(report.broken));
}

}  // namespace tenon::chaos
