#include "postgres/sql_reference.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>

namespace tenon::test {
namespace {

constexpr std::int64_t second = 1'000'000;

std::string iso(std::int64_t microseconds, int digits) {
  const std::time_t whole = microseconds / second;
  std::string fraction = fmt::format("{:06d}", microseconds % second);
  fraction.resize(static_cast<std::size_t>(digits));
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{}Z", fmt::gmtime(whole), fraction);
}

std::string stock(const Reference::Item& item) {
  return fmt::format(R"({{"quantity_available":{},"quantity_sold":{},"version":{}}})", item.available, item.sold,
                     item.version);
}

std::string body(const Reference::Item& item) {
  return fmt::format(R"({},"quantity_available":{},"quantity_sold":{},"version":{},"updated_at":"{}"}})", item.head,
                     item.available, item.sold, item.version, iso(item.changed, 3));
}

bool holds(const Tokens& tokens, const Reference::Item& item) {
  if (std::ranges::any_of(tokens.versions, [&](std::int64_t version) { return version != item.version; })) return false;
  return std::ranges::all_of(tokens.dates, [&](const DateToken& date) {
    const std::int64_t now = item.changed / date.grain;
    const bool ambiguous = item.prior && *item.prior / date.grain == now;
    return date.at / date.grain == now && !ambiguous;
  });
}

}  // namespace

std::string Tokens::as_json() const {
  std::string moments;
  for (const DateToken& date : dates) {
    moments += fmt::format(R"({}{{"at":"{}","grain":{}}})", moments.empty() ? "" : ",", iso(date.at, 6), date.grain);
  }
  return fmt::format(R"({{"versions":[{}],"dates":[{}],"exists":false}})", fmt::join(versions, ","), moments);
}

Sale PlannedSale::sale() const {
  return {.envelope = envelope,
          .item = item,
          .quantity = quantity,
          .precondition = tokens ? std::optional(tokens->as_json()) : std::nullopt};
}

bool Reference::is_usual(const std::vector<PlannedSale>& batch) const {
  std::map<std::string, std::int64_t> asked;
  for (const PlannedSale& sale : batch) {
    if (sale.tokens || stored_.contains(sale.envelope.claim) || !items.contains(sale.item)) return false;
    asked[sale.item] += sale.quantity;
  }
  return std::ranges::all_of(asked, [&](const auto& one) { return items.at(one.first).available >= one.second; });
}

std::vector<std::string> Reference::claims() const {
  std::vector<std::string> all;
  for (const auto& [claim, stored] : stored_) all.push_back(claim);
  return all;
}

void Reference::age(std::int64_t microseconds) {
  for (auto& [id, item] : items) {
    item.changed -= microseconds;
    if (item.prior) *item.prior -= microseconds;
  }
  constexpr std::int64_t lifetime = 60 * second;
  if (microseconds > lifetime) return stored_.clear();
  // A stored answer tells the moments of its own day, but until when it is known is the key's.
  for (auto& [claim, stored] : stored_) *stored.answer.expires -= microseconds;
}

void Reference::follow(const PlannedSale& sale, const Answer& answer) {
  if (stored_.contains(sale.envelope.claim)) return follow_stored(sale, answer);
  EXPECT_EQ(answer.origin, 0);
  EXPECT_TRUE(answer.expires.has_value());
  const auto found = items.find(sale.item);
  if (found == items.end()) {
    follow_refusal(answer, 404, "not_found", fmt::format(R"({{"detail": "There is no item {}."}})", sale.item),
                   nullptr);
  } else if (Item& item = found->second; sale.tokens && !holds(*sale.tokens, item)) {
    follow_refusal(answer, 409, "conflict",
                   fmt::format(R"({{"detail": "The resource is at version {0}.", "version": {0}}})", item.version),
                   &item);
  } else if (item.available < sale.quantity) {
    follow_refusal(answer, 409, "insufficient_stock",
                   fmt::format(R"({{"detail": "{0} requested, {1} available.", "available": {1}, "requested": {0}}})",
                               sale.quantity, item.available),
                   nullptr);
  } else {
    follow_sale(sale, item, answer);
  }
  Answer replay = answer;
  replay.origin = 1;
  stored_[sale.envelope.claim] = {.fingerprint = sale.envelope.fingerprint, .answer = replay};
}

void Reference::follow_stored(const PlannedSale& sale, const Answer& answer) const {
  const Stored& stored = stored_.at(sale.envelope.claim);
  if (stored.fingerprint == sale.envelope.fingerprint) {
    EXPECT_EQ(answer, stored.answer);
  } else {
    EXPECT_EQ(answer, Answer{.origin = 2}) << "nothing but the reuse may be told";
  }
}

void Reference::follow_refusal(const Answer& answer, int status, const std::string& problem, const std::string& body,
                               const Item* shown) const {
  EXPECT_EQ(answer.status, status);
  EXPECT_EQ(answer.problem, problem);
  EXPECT_EQ(answer.body, body);
  EXPECT_EQ(answer.version, shown != nullptr ? std::optional(shown->version) : std::nullopt);
  EXPECT_EQ(answer.modified, shown != nullptr ? std::optional(shown->changed) : std::nullopt);
  EXPECT_EQ(answer.audit_id, std::nullopt) << "a refusal changes nothing, so there is nothing to log";
}

void Reference::follow_sale(const PlannedSale& sale, Item& item, const Answer& answer) {
  const std::string before = stock(item);
  item.available -= sale.quantity;
  item.sold += sale.quantity;
  item.version += 1;
  EXPECT_GT(answer.modified.value_or(0), item.changed) << "no two versions of an item share a moment";
  item.prior = item.changed;
  item.changed = answer.modified.value_or(0);

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.problem, std::nullopt);
  EXPECT_EQ(answer.body, body(item));
  EXPECT_EQ(answer.version, item.version);
  EXPECT_EQ(answer.location, std::nullopt);
  const auto [entry, is_new] = entries.try_emplace(
      answer.audit_id.value_or(0), Entry{sale.item, "STOCK_DECREMENT", sale.envelope.user,
                                         "request-" + sale.envelope.key, sale.envelope.key, before, stock(item)});
  EXPECT_TRUE(is_new) << "audit id " << entry->first << " was given before";
}

}  // namespace tenon::test
