// What the database says of its audit log: entries, tiles, checkpoints. Blocking; short statements only, since one that
// runs for minutes would hold back vacuum for the whole database. Whatever it says may be a lie: see verifier.hpp.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/leaf.hpp"
#include "audit/tile.hpp"
#include "postgres/session.hpp"

namespace tenon::audit {

struct LogIdentity {
  std::string origin;
  std::string verifier_key;
};

// A level-0 tile, and the key of its first leaf as far as it is noted.
struct LeafTile {
  std::uint64_t index = 0;
  std::string hashes;
  std::optional<EntryKey> first;
};

// A row of tenon.audit_checkpoints. Nothing of it is known to be true but what the note's signature covers.
struct StoredCheckpoint {
  std::uint64_t size = 0;
  std::string note;
  EntryKey last;  // of the last leaf
};

// Entries whose partition was detached after it was sealed.
struct RetiredRange {
  std::string name;
  std::int64_t from = 0;  // from <= at < to, in PostgreSQL's microseconds
  std::int64_t to = 0;
  std::int64_t entries = 0;
  bool operator==(const RetiredRange&) const = default;
};

// Entries with first <= id <= last.
struct IdRange {
  std::int64_t first = std::numeric_limits<std::int64_t>::min();
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
};

// A row of tenon.audit_batches: ids [first_id, last_id] of one transaction.
struct LedgerBatch {
  std::uint64_t transaction_id = 0;
  std::int64_t first_id = 0;
  std::int64_t last_id = 0;
  std::int64_t entries = 0;
  std::int64_t first_at = 0;  // in PostgreSQL's microseconds
  std::int64_t last_at = 0;
};

// One object a thread. All calls throw postgres::StatementError or ConnectionError.
class LogReader {
 public:
  explicit LogReader(const std::string& conninfo);

  [[nodiscard]] std::optional<LogIdentity> identity();  // nothing before the first seal
  [[nodiscard]] bool is_standby();
  [[nodiscard]] std::optional<StoredCheckpoint> newest_checkpoint();
  [[nodiscard]] std::optional<StoredCheckpoint> checkpoint_at(std::uint64_t size);
  // Those with first <= size <= last, by size.
  [[nodiscard]] std::vector<StoredCheckpoint> checkpoints(std::uint64_t first, std::uint64_t last);
  // Those with size <= last, the largest first, at most `most`.
  [[nodiscard]] std::vector<StoredCheckpoint> checkpoints_down_from(std::uint64_t last, std::size_t most);
  [[nodiscard]] std::uint64_t checkpoint_count();

  // Tiles of one level, by index; those that are missing are missing.
  [[nodiscard]] std::vector<Tile> tiles(unsigned level, std::uint64_t first, std::uint64_t count);
  [[nodiscard]] std::vector<LeafTile> leaf_tiles(std::uint64_t first, std::uint64_t count);
  [[nodiscard]] std::map<TileId, std::string> tiles(const std::vector<TileId>& wanted);
  [[nodiscard]] std::uint64_t leaf_tile_count();
  [[nodiscard]] std::uint64_t leaf_count();  // of the level-0 tiles, from the last one of them
  // The key of the first leaf of each `step`-th level-0 tile from tile `first` on, as far as it is noted.
  [[nodiscard]] std::vector<std::optional<EntryKey>> first_keys(std::uint64_t first, std::uint64_t step);
  // The level-0 tile in which an entry of that key would stand.
  [[nodiscard]] std::optional<std::uint64_t> tile_of(EntryKey key);

  // In no order; each is valid until `each` returns.
  void entries(IdRange ids, const std::function<void(const Entry&)>& each);
  // Leaves of all entries with that id: more than one when somebody tampered.
  [[nodiscard]] std::vector<std::string> leaves_with_id(std::int64_t id);
  [[nodiscard]] std::optional<std::int64_t> newest_id();
  [[nodiscard]] std::optional<std::int64_t> last_id_given();  // by the sequence; none: the login may not read it

  [[nodiscard]] std::vector<RetiredRange> retired();
  // Batches of these transactions, in order, at most `most`.
  [[nodiscard]] std::vector<LedgerBatch> batches(std::uint64_t from_transaction, std::uint64_t to_transaction,
                                                 std::size_t most);
  // Batches after `after` in order of leaves, at most `most`.
  [[nodiscard]] std::vector<LedgerBatch> batches_after(EntryKey after, std::size_t most);
  [[nodiscard]] std::int64_t entries_in_ledger(EntryKey to);  // up to and with that key
  // The lowest id of batches after that key.
  [[nodiscard]] std::optional<std::int64_t> lowest_id_after(EntryKey key);
  // The first entry after `key`, of those from id `lowest` on, which no batch of the ledger tells of.
  [[nodiscard]] std::optional<EntryKey> stray_entry_after(EntryKey key, std::int64_t lowest);

  [[nodiscard]] postgres::Session& session() noexcept { return session_; }

 private:
  postgres::Session session_;
};

}  // namespace tenon::audit
