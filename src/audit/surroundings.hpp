// What stands around a place of the log where something is wrong: which entries of a tile are as they were sealed.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "audit/diagnosis.hpp"

namespace tenon::audit {

class Surroundings {
 public:
  Surroundings(LogReader& reader, std::uint64_t size) : reader_(reader), size_(size) {}  // which outlives it

  [[nodiscard]] LostLeaf of_leaf(const LeafHash& leaf);
  // Nothing when the entry has gone meanwhile.
  [[nodiscard]] std::optional<Suspect> of_entry(const HashedEntry& entry);
  // May leaves from `begin` to before `end` be of that month? By the entries on both sides that are as they were.
  [[nodiscard]] bool may_be_of(std::uint64_t begin, std::uint64_t end, const RetiredRange& month);

 private:
  struct Sealed {
    std::uint64_t index;
    EntryKey key;
    std::int64_t at;  // in PostgreSQL's microseconds
  };
  struct Neighbourhood {
    std::vector<Sealed> sealed;  // the tile's entries that are as they were, by index
    std::vector<LedgerBatch> batches;
    std::optional<EntryKey> end;  // the first key of the next tile
  };
  const Neighbourhood& around(std::uint64_t tile);
  [[nodiscard]] std::vector<EntryKey> candidates(const Neighbourhood& place, const LostLeaf& leaf) const;

  LogReader& reader_;
  std::uint64_t size_;
  LeafHasher hash_;
  std::map<std::uint64_t, Neighbourhood> known_;
};

}  // namespace tenon::audit
