// What a verification found, for people and for programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/checkpoint.hpp"

namespace tenon::audit {

// In order of precedence: what is at the head of a report is of the first kind there is, and of that kind the first
// leaf.
enum class FindingKind : std::uint8_t {
  other_key,           // the log is signed by another key than the one that is trusted
  restored_backup,     // the database ends before checkpoints that were published
  rebuilt_tree,        // rows and tree agree with each other, but not with a signed checkpoint
  cut_tail,            // the last entries are gone
  changed,             // an entry's contents
  removed,             //
  inserted,            // an entry that was never sealed stands among those that were
  swapped,             // two entries exchanged contents
  renumbered,          // an entry has another id or transaction than it had
  too_many,            // so much differs that it is not told apart any more
  tile_changed,        // the entries are right, the tree's stored hashes are not
  checkpoint_forged,   // a stored checkpoint that the key did not sign, or of another size than it says
  checkpoint_removed,  // published, but no longer in the database
  ledger_changed,      // the list of batches does not tell of the entries that there are
};
[[nodiscard]] std::string_view name_of(FindingKind kind) noexcept;

struct Finding {
  FindingKind kind = FindingKind::changed;
  std::string message = {};                   // one sentence
  std::optional<std::uint64_t> leaf = {};     // where in the log, counted from 0
  std::optional<std::int64_t> id = {};        // of the entry it is about, as it is numbered now
  std::optional<std::int64_t> other_id = {};  // swapped: the other entry; renumbered: the id it had
};

// As the database says: whoever may write there can make it up, with all entries of that month gone.
struct DetachedMonth {
  std::string name;
  std::int64_t entries = 0;
};

struct Report {
  std::string origin;
  std::string key;             // the verifier's text
  std::string key_from;        // where the key came from: "--key", a file's path, "the database"
  std::uint64_t from = 0;      // leaves before it were verified earlier, and were not looked at
  std::uint64_t size = 0;      // of the tree
  Hash root{};                 // of the tree, as computed
  std::uint64_t entries = 0;   // hashed
  std::uint64_t unsealed = 0;  // entries that no checkpoint covers yet
  std::uint64_t retired = 0;   // leaves of detached months, of which there are hashes alone
  std::uint64_t exported = 0;  // entries taken from exported files
  std::vector<DetachedMonth> detached = {};
  std::uint64_t stored_checkpoints = 0;  // looked at
  std::uint64_t outside_checkpoints = 0;
  std::uint64_t torn_checkpoints = 0;  // outside, that could not be read
  double seconds = 0;
  std::vector<Finding> findings = {};  // sorted; at most 100
  std::uint64_t more_findings = 0;

  [[nodiscard]] bool holds() const noexcept { return findings.empty(); }
  void sort();
  [[nodiscard]] std::string text() const;  // lines
  [[nodiscard]] std::string json() const;  // one line
};

}  // namespace tenon::audit
