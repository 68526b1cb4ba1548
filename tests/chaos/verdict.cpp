#include "chaos/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace tenon::chaos {
namespace {

// Those that counted violations: "linearizable (14), liveness (1)".
std::string noticed(const Report& report, const auto& counts_here) {
  std::string list;
  for (const CheckerCount& count : report.findings.counts()) {
    if (count.violations > 0 && counts_here(count))
      list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", count.name, count.violations);
  }
  return list;
}

}  // namespace

MutantVerdict verdict_of(const Report& report, const Mutant& mutant) {
  const auto of_it = [&](const CheckerCount& count) {
    return std::ranges::find(mutant.by, count.name) != mutant.by.end();
  };
  const std::string by = noticed(report, of_it);
  const std::string others = noticed(report, std::not_fn(of_it));
  const std::string besides = others.empty() ? "" : fmt::format("; besides: {}", others);
  if (!by.empty())
    return {.exit_code = 0, .told = fmt::format("mutant {} was caught by {}{}", mutant.name, by, besides)};
  if (!report.broken.empty()) {
    return {.exit_code = 3,
            .told = fmt::format("mutant {} could not be tried: {}", mutant.name,
                                report.broken.substr(0, report.broken.find('\n')))};
  }
  if (!report.faults.empty() && std::ranges::all_of(report.faults, &FaultRecord::skipped)) {
    return {.exit_code = 3,
            .told = fmt::format("mutant {} could not be tried: {}", mutant.name, report.faults.front().fault.skipped)};
  }
  return {.exit_code = 1, .told = fmt::format("mutant {} was NOT CAUGHT{}", mutant.name, besides)};
}

}  // namespace tenon::chaos
