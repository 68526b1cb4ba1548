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

 private:
  struct Sealed {
    std::uint64_t index;
    EntryKey key;
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
