#include "audit/retirement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>
#include <string_view>

namespace tenon::audit {
namespace {

constexpr std::size_t batches_max = 100'000;

std::int64_t begin_of(std::chrono::year_month month) {
  const std::chrono::sys_time<std::chrono::microseconds> begin = std::chrono::sys_days(month / 1);
  return as_postgres(begin.time_since_epoch().count());
}

bool is_whole_month(const RetiredRange& range) {
  constexpr std::string_view prefix = "audit_logs_";
  int year = 0;
  unsigned month = 0;
  const std::string_view number = std::string_view(range.name).substr(std::min(range.name.size(), prefix.size()));
  if (number.size() != 7) return false;
  std::from_chars(number.data(), number.data() + 4, year);
  std::from_chars(number.data() + 5, number.data() + 7, month);
  const std::chrono::year_month named{std::chrono::year(year), std::chrono::month(month)};
  return named.ok() && range.entries >= 0 && range.name == fmt::format("{}{:04}_{:02}", prefix, year, month) &&
         range.from == begin_of(named) && range.to == begin_of(named + std::chrono::months(1));
}

}  // namespace

Retirement::Retirement(const std::vector<RetiredRange>& ranges) {
  std::ranges::copy_if(ranges, std::back_inserter(months_), is_whole_month);
}

bool Retirement::covers(const Entry& entry) const noexcept {
  return std::ranges::any_of(months_, [&entry](const RetiredRange& month) { return is_of(entry, month); });
}

// A tile's entries are gone when all batches that it tells of are of detached months.
Entries Retirement::of_tile(LogReader& reader, std::span<const LeafTile> tiles, std::size_t n, EntryKey last) const {
  const bool ends = n + 1 == tiles.size();
  if (months_.empty() || !tiles[n].first || (!ends && !tiles[n + 1].first)) return Entries::here;
  const EntryKey first = *tiles[n].first;
  std::size_t retired = 0;
  std::size_t here = 0;
  for (const LedgerBatch& batch : reader.batches(
           first.transaction_id, ends ? last.transaction_id : tiles[n + 1].first->transaction_id, batches_max)) {
    const EntryKey begin(batch.transaction_id, batch.first_id);
    if (EntryKey(batch.transaction_id, batch.last_id) < first || (ends ? begin > last : begin >= *tiles[n + 1].first))
      continue;
    const auto covers = [&batch](const RetiredRange& month) {
      return batch.first_at >= month.from && batch.last_at < month.to;
    };
    const auto touches = [&batch](const RetiredRange& month) {
      return batch.last_at >= month.from && batch.first_at < month.to;
    };
    const bool covered = std::ranges::any_of(months_, covers);
    if (covered || std::ranges::any_of(months_, touches)) ++retired;
    if (!covered) ++here;
  }
  return retired == 0 ? Entries::here : here == 0 ? Entries::retired : Entries::mixed;
}

bool Retirement::explains(std::uint64_t leaves, bool all) const noexcept {
  std::uint64_t detached = 0;
  for (const RetiredRange& month : months_) detached += static_cast<std::uint64_t>(month.entries);
  return all ? leaves == detached : leaves <= detached;
}

}  // namespace tenon::audit
