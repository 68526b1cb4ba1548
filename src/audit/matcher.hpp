// Which entries have no leaf, and which leaves no entry. An entry's place in the log follows from its contents, so that
// the log holds when the two sets of hashes are the same, in whatever order they come. No I/O.
//
// Entries are read by id and leaves stand in the order of (transaction, id), which is nearly but not quite the same:
// what comes early waits for its counterpart. That takes as much memory as the two orders differ, not as the log is
// long.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "audit/leaf.hpp"

namespace tenon::audit {

struct HashedEntry {
  Hash hash;
  EntryKey key;
};

struct LeafHash {
  Hash hash;
  std::uint64_t index;
};

class Matcher {
 public:
  Matcher();
  // Leaves [first, first + hashes.size() / 32), and entries of about the same place.
  void match(std::uint64_t first, std::string_view hashes, std::span<const HashedEntry> entries);

  [[nodiscard]] std::size_t waiting() const noexcept { return leaves_.size() + entries_.size(); }
  [[nodiscard]] std::vector<LeafHash> leaves() const;      // without an entry, by index
  [[nodiscard]] std::vector<HashedEntry> entries() const;  // without a leaf, by key

 private:
  // A hash needs no further hashing; the secret keeps whoever chose the entries from choosing collisions.
  struct HashOf {
    std::uint64_t secret;
    std::size_t operator()(const Hash& hash) const noexcept {
      std::uint64_t bits;
      std::memcpy(&bits, hash.data(), sizeof bits);
      bits *= secret;
      return bits ^ bits >> 32;
    }
  };
  void take_leaf(const Hash& hash, std::uint64_t index);
  void take_entry(const HashedEntry& entry);

  std::unordered_map<Hash, std::uint64_t, HashOf> leaves_;
  std::unordered_map<Hash, EntryKey, HashOf> entries_;
  std::vector<LeafHash> leaves_twice_;  // the same hash once more
  std::vector<HashedEntry> entries_twice_;
};

}  // namespace tenon::audit
