#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "chaos/checks.hpp"
#include "postgres/session.hpp"

namespace tenon::chaos {
namespace {

std::string who_and_key(std::string_view user, std::string_view key) { return fmt::format("{} {}", user, key); }

struct Entries {
  std::vector<std::pair<std::string, std::int64_t>> of;  // entity, version
};

void check_entries(const Evidence& evidence, const std::unordered_map<std::string, Entries>& entries,
                   Findings& findings) {
  findings.begin("acknowledged_lost", "acknowledged writes");
  for (const Call& call : evidence.calls) {
    if (!call.is_write() || !call.succeeded()) continue;
    findings.checked();
    const auto found = entries.find(who_and_key(call.user, call.key));
    if (found == entries.end()) {
      findings.violation(name_of(call) + " was acknowledged " + shown(*call.first_final()) + " and is not there");
      continue;
    }
    const std::int64_t version = call.first_final()->answer.version;
    if (version != 0 &&
        std::ranges::none_of(found->second.of, [&](const auto& each) { return each.second == version; }))
      findings.violation(name_of(call) + " was acknowledged " + shown(*call.first_final()) +
                         fmt::format(", but its entry tells v{}", found->second.of.front().second));
  }
  findings.begin("effects_once", "keys");
  for (const Call& call : evidence.calls) {
    if (!call.is_write()) continue;
    findings.checked();
    const auto found = entries.find(who_and_key(call.user, call.key));
    const std::size_t effects = found == entries.end() ? 0 : found->second.of.size();
    const Attempt* final_answer = call.first_final();
    const bool refused = final_answer != nullptr && final_answer->answer.status >= 300;
    if (effects > call.lines.size() || (effects > 0 && refused) || (effects > 0 && effects < call.lines.size()))
      findings.violation(fmt::format("{} had {} effects for {} wanted, and was told {}", name_of(call), effects,
                                     refused ? 0 : call.lines.size(),
                                     final_answer != nullptr ? shown(*final_answer) : "nothing"));
  }
}

void check_audit(postgres::Session& session, Findings& findings) {
  findings.begin("audited", "changes");
  findings.checked(
      std::stoull(session.execute("SELECT coalesce(sum(version - old_version), 0) FROM chaos.changes").text(0, 0)));
  const postgres::Rows wrong = session.execute(
      "SELECT transaction_id, item, changes, entries FROM "
      "(SELECT transaction_id, item, sum(version - old_version) AS changes FROM chaos.changes GROUP BY 1, 2) AS c "
      "FULL JOIN (SELECT transaction_id, entity_id AS item, count(*) AS entries FROM audit_logs "
      "WHERE entity_kind IN ('item', 'market_item', 'room') GROUP BY 1, 2) AS a "
      "USING (transaction_id, item) WHERE changes IS DISTINCT FROM entries");
  for (int i = 0; i < wrong.size(); ++i)
    findings.violation(fmt::format("transaction {} made {} changes of item {} and {} entries", wrong.text(i, 0),
                                   wrong.text(i, 2), wrong.text(i, 1), wrong.text(i, 3)));
}

// What clients were told of an item.
struct Told {
  std::int64_t received = 0, sold = 0;
  bool certain = true;  // no call is open
  bool made = false, removed = false;
};

std::map<std::string, Told> told_of_items(const Evidence& evidence) {
  std::map<std::string, Told> told;
  for (const Call& call : evidence.calls) {
    if (!call.is_write()) continue;
    for (const Line& line : call.lines) {
      if (line.item == another_item || evidence.items[line.item].id.empty()) continue;
      Told& item = told[evidence.items[line.item].id];
      item.certain = item.certain && call.first_final() != nullptr;
      if (!call.succeeded()) continue;
      const bool made = call.kind == Kind::create || call.kind == Kind::offer;
      item.made = item.made || made;
      item.removed = item.removed || call.kind == Kind::remove;
      if (made || call.kind == Kind::restock) item.received += line.quantity;
      if (call.kind == Kind::sell || call.kind == Kind::order || call.kind == Kind::purchase)
        item.sold += line.quantity;
    }
  }
  return told;
}

void check_stock(const Evidence& evidence, postgres::Session& session, Findings& findings) {
  findings.begin("stock_adds_up", "items");
  const std::map<std::string, Told> told = told_of_items(evidence);
  const postgres::Rows rows = session.execute(
      "SELECT id, quantity_available, quantity_sold, quantity_received FROM inventory UNION ALL "
      "SELECT id, quantity, quantity_sold, quantity_listed FROM market_items");
  std::set<std::string> there;
  for (int i = 0; i < rows.size(); ++i) {
    const std::string& id = *there.insert(rows.text(i, 0)).first;
    const std::int64_t available = std::stoll(rows.text(i, 1));
    const std::int64_t sold = std::stoll(rows.text(i, 2));
    const std::int64_t received = std::stoll(rows.text(i, 3));
    if (available + sold != received)
      findings.violation(fmt::format("item {}: {} available and {} sold of {}", id, available, sold, received));
    const auto found = told.find(id);
    if (found == told.end() || !found->second.certain) continue;
    if (found->second.sold != sold || found->second.received != received)
      findings.violation(
          fmt::format("item {}: clients were told that {} came in and {} were sold; the table says {} and {}", id,
                      found->second.received, found->second.sold, received, sold));
  }
  findings.checked(there.size());
  for (const auto& [id, item] : told) {
    if (item.removed) findings.checked();
    if (item.removed && there.contains(id)) findings.violation("item " + id + " was deleted and is there");
    if (item.made && item.certain && !item.removed && !there.contains(id))
      findings.violation("item " + id + " is gone, and nobody deleted it");
  }
  const postgres::Rows gaps = session.execute(
      "SELECT item, old_version, version FROM (SELECT *, lag(version, 1, 0::bigint) OVER (PARTITION BY item ORDER BY "
      "version) AS before FROM chaos.changes) AS c WHERE old_version <> before");
  for (int i = 0; i < gaps.size(); ++i)
    findings.violation(fmt::format("item {}: a change from v{} to v{} follows no other", gaps.text(i, 0),
                                   gaps.text(i, 1), gaps.text(i, 2)));
}

}  // namespace

void check_effects(const Evidence& evidence, Findings& findings) {
  postgres::Session session(evidence.superuser);
  session.execute("SET statement_timeout = '300s'");
  std::unordered_map<std::string, Entries> entries;
  const postgres::Rows rows =
      session.execute("SELECT actor, idempotency_key, entity_id, (after::jsonb ->> 'version')::bigint FROM audit_logs");
  for (int i = 0; i < rows.size(); ++i) {
    const std::string version = rows.text(i, 3);
    entries[who_and_key(rows.text(i, 0), rows.text(i, 1))].of.emplace_back(rows.text(i, 2),
                                                                           version.empty() ? 0 : std::stoll(version));
  }
  check_entries(evidence, entries, findings);
  check_audit(session, findings);
  check_stock(evidence, session, findings);
}

}  // namespace tenon::chaos
