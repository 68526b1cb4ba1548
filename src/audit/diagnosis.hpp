// From hashes without an entry and entries without a hash to what was done to which entry.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/log_reader.hpp"
#include "audit/matcher.hpp"
#include "audit/report.hpp"

namespace tenon::audit {

// An entry of the log as it is now, and where it stands among the leaves.
struct Suspect {
  EntryKey key;
  std::string leaf;          // its canonical bytes
  std::uint64_t before = 0;  // the first leaf whose own entry comes after it
};

// A leaf whose entry is not there as it was sealed.
struct LostLeaf {
  std::uint64_t index = 0;
  Hash hash{};
  std::optional<EntryKey> previous = {};  // of the entries around it that are as they were
  std::optional<EntryKey> next = {};
  std::vector<EntryKey> candidates = {};  // what it may have been numbered, by the ledger
};

struct Differences {
  std::vector<LostLeaf> lost;
  std::vector<Suspect> suspects;
  std::uint64_t size = 0;  // of the tree
  std::uint64_t tail = 0;  // all leaves from this one on are lost; `lost` may list only the first of them
};

// What became of each lost leaf, by trying: was it the entry that now stands there, under another number or with the
// contents of another one? Pure. `tries`: after that many hashes for one lost leaf, no further entry is tried for it.
[[nodiscard]] std::vector<Finding> diagnose(Differences differences, std::size_t tries = 2'000'000);

// Reads what diagnose() needs to know of the first differences, and asks it. Both lists sorted.
[[nodiscard]] std::vector<Finding> diagnose(LogReader& reader, const std::vector<LeafHash>& leaves,
                                            const std::vector<HashedEntry>& entries, std::uint64_t size);
inline constexpr std::size_t differences_looked_into = 64;  // of each list

}  // namespace tenon::audit
