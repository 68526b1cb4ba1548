// Which entries went away with months that were detached: their leaves stay, and the ledger tells where they stood.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "audit/log_reader.hpp"

namespace tenon::audit {

enum class Entries : std::uint8_t { here, retired, mixed };  // of a tile

class Retirement {
 public:
  Retirement() = default;
  // Of what the database says, those that are whole months of UTC under their own names: whoever hides an entry behind
  // another range hides nothing.
  explicit Retirement(const std::vector<RetiredRange>& ranges);

  [[nodiscard]] const std::vector<RetiredRange>& months() const noexcept { return months_; }
  [[nodiscard]] bool covers(const Entry& entry) const noexcept;
  // Of tiles[n], by the batches from its first leaf to that of the next in `tiles`; after the last comes `last`.
  [[nodiscard]] Entries of_tile(LogReader& reader, std::span<const LeafTile> tiles, std::size_t n, EntryKey last) const;
  // May so many leaves be without an entry? `all`: of the whole log; else of a part of it.
  [[nodiscard]] bool explains(std::uint64_t leaves, bool all) const noexcept;

 private:
  std::vector<RetiredRange> months_;
};

// PostgreSQL counts from 2000-01-01. Wraps around at its far ends, as entry_of does: a log may hold any moment.
[[nodiscard]] constexpr std::int64_t as_postgres(std::int64_t microseconds_since_1970) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(microseconds_since_1970) -
                                   std::uint64_t{946'684'800} * 1'000'000);
}
[[nodiscard]] constexpr bool is_of(const Entry& entry, const RetiredRange& month) noexcept {
  return as_postgres(entry.at) >= month.from && as_postgres(entry.at) < month.to;
}

}  // namespace tenon::audit
