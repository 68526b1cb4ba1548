#include "audit/report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "audit/base64.hpp"
#include "base/json_string.hpp"

namespace tenon::audit {
namespace {

constexpr std::size_t findings_max = 100;

std::string counted(std::uint64_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : what.ends_with('y') ? "" : "s");
}

std::string finding_json(const Finding& finding) {
  std::string json = "{\"kind\":" + json_string(name_of(finding.kind));
  if (finding.leaf) json += fmt::format(",\"leaf\":{}", *finding.leaf);
  if (finding.id) json += fmt::format(",\"id\":\"{}\"", *finding.id);
  if (finding.other_id) json += fmt::format(",\"other_id\":\"{}\"", *finding.other_id);
  return json + ",\"message\":" + json_string(finding.message) + "}";
}

}  // namespace

std::string_view name_of(FindingKind kind) noexcept {
  switch (kind) {
    case FindingKind::other_key:
      return "other_key";
    case FindingKind::restored_backup:
      return "restored_backup";
    case FindingKind::rebuilt_tree:
      return "rebuilt_tree";
    case FindingKind::cut_tail:
      return "cut_tail";
    case FindingKind::changed:
      return "changed";
    case FindingKind::removed:
      return "removed";
    case FindingKind::inserted:
      return "inserted";
    case FindingKind::swapped:
      return "swapped";
    case FindingKind::renumbered:
      return "renumbered";
    case FindingKind::too_many:
      return "too_many";
    case FindingKind::tile_changed:
      return "tile_changed";
    case FindingKind::checkpoint_forged:
      return "checkpoint_forged";
    case FindingKind::checkpoint_removed:
      return "checkpoint_removed";
    case FindingKind::ledger_changed:
      return "ledger_changed";
  }
  return "unknown";
}

void Report::sort() {
  // What happened to entries is told in the log's order, whichever of those kinds it is.
  const auto rank = [](const Finding& finding) {
    const bool of_entry = finding.kind >= FindingKind::changed && finding.kind <= FindingKind::renumbered;
    return std::pair(of_entry ? FindingKind::changed : finding.kind, finding.leaf.value_or(0));
  };
  std::ranges::stable_sort(findings, {}, rank);
  if (findings.size() > findings_max) {
    more_findings += findings.size() - findings_max;
    findings.resize(findings_max);
  }
}

std::string Report::text() const {
  std::string text;
  if (!holds()) text += fmt::format("TAMPERED: {}\n", findings.front().message);
  for (std::size_t i = 1; i < findings.size(); ++i) text += fmt::format("          {}\n", findings[i].message);
  if (more_findings != 0) text += fmt::format("          and {} more\n", more_findings);
  if (holds()) {
    text += fmt::format("verified: {} of {}{}, root {}\n", size == 1 ? "1 leaf" : fmt::format("{} leaves", size),
                        origin.empty() ? "no log" : origin,
                        from == 0 ? std::string() : fmt::format(" (from leaf {} on)", from), base64(as_text(root)));
  }
  text += fmt::format("{} hashed in {:.1f} s; checkpoints: {} in the database, {} outside it\n",
                      entries == 1 ? "1 entry" : fmt::format("{} entries", entries), seconds, stored_checkpoints,
                      outside_checkpoints);
  if (unsealed != 0)
    text += fmt::format("{} not sealed yet\n", unsealed == 1 ? "1 entry" : fmt::format("{} entries", unsealed));
  if (exported != 0) text += fmt::format("{} of them from exported files\n", exported);
  if (retired != 0)
    text += fmt::format("{} of detached months: checked by their hashes alone (--exported checks their contents)\n",
                        retired == 1 ? "1 leaf" : fmt::format("{} leaves", retired));
  for (const DetachedMonth& month : detached)
    text += fmt::format("{} is said to be detached, with {}\n", month.name,
                        month.entries == 1 ? "1 entry" : fmt::format("{} entries", month.entries));
  if (torn_checkpoints != 0)
    text += fmt::format("{} outside could not be read\n", counted(torn_checkpoints, "checkpoint"));
  if (key_from == "the database") {
    text +=
        "the key was taken from the database itself: give --key, or whoever can change the database could have "
        "exchanged both\n";
  }
  if (outside_checkpoints == 0) {
    text +=
        "no checkpoint outside the database was given: --checkpoints tells a database that was set back as a whole\n";
  }
  return text;
}

std::string Report::json() const {
  std::vector<std::string> months;
  for (const DetachedMonth& month : detached)
    months.push_back(fmt::format("{{\"name\":{},\"entries\":{}}}", json_string(month.name), month.entries));
  std::string json = fmt::format(
      "{{\"ok\":{},\"origin\":{},\"key\":{},\"key_from\":{},\"from\":{},\"size\":{},\"root\":{},\"entries\":{},"
      "\"unsealed\":{},\"retired\":{},\"exported\":{},\"detached\":[{}],\"checkpoints\":{{\"stored\":{},\"outside\":{},"
      "\"torn\":{}}},"
      "\"seconds\":{:.3f},\"findings\":[",
      holds(), json_string(origin), json_string(key), json_string(key_from), from, size,
      json_string(base64(as_text(root))), entries, unsealed, retired, exported, fmt::join(months, ","),
      stored_checkpoints, outside_checkpoints, torn_checkpoints, seconds);
  for (std::size_t i = 0; i < findings.size(); ++i) json += (i == 0 ? "" : ",") + finding_json(findings[i]);
  return json + fmt::format("],\"more_findings\":{}}}", more_findings);
}

}  // namespace tenon::audit
