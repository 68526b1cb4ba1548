// What sealing reads and writes in the database (sql/migrations/0015_audit_tree.sql), over one connection as
// tenon_sealer.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/leaf.hpp"
#include "audit/note.hpp"
#include "audit/sink.hpp"
#include "audit/tile.hpp"
#include "postgres/connection.hpp"

namespace tenon::audit {

// The tree as far as it is sealed: what one goes on from.
struct SealedTree {
  EntryKey last;     // of the last leaf; all zero: there is none
  std::string note;  // its checkpoint; empty when there is none
  TileWriter tiles;
};

// A row of the ledger that is not sealed yet, and will not be preceded by any other.
struct DueBatch {
  std::uint64_t transaction_id = 0;
  std::int64_t first_id = 0;
  std::int64_t last_id = 0;
  std::int64_t entries = 0;
};

struct Due {
  std::vector<DueBatch> batches;        // of whole transactions, in order
  bool more = false;                    // beyond these, at this moment
  std::chrono::milliseconds oldest{0};  // how long the oldest entry that is not sealed has been waiting
};

struct NewLeaf {
  EntryKey key;
  Hash hash;
};

// The log must not be sealed on: what somebody has to look into. The message says why, and what to do.
class SealingRefused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Every call throws postgres::StatementError and ConnectionError, and has the deadline that is given.
class SealStore {
 public:
  explicit SealStore(postgres::Connection& connection) : connection_(connection) {}

  // Is this session the one that seals? It stays so until the session ends.
  [[nodiscard]] boost::asio::awaitable<bool> take_turn(Monotonic deadline);

  // Throws SealingRefused: sealed with another key, a stored tree that is not what its checkpoint says, a checkpoint of
  // ours that does not verify, or a database whose transaction ids run behind the sealed ones (a dump that was restored
  // into a new cluster).
  [[nodiscard]] boost::asio::awaitable<SealedTree> load(const NoteSigner& signer, Monotonic deadline);

  // The settled transactions after `last`, with `entries_max` entries altogether, or the first one alone.
  [[nodiscard]] boost::asio::awaitable<Due> due(EntryKey last, std::int64_t entries_max, Monotonic deadline);

  // The entries of `batches`, hashed, in the order of leaves. Reads about `entries_max` rows at a time, more only where
  // one batch has more. Throws SealingRefused when they are not as many as the ledger says.
  [[nodiscard]] boost::asio::awaitable<std::vector<NewLeaf>> leaves(const std::vector<DueBatch>& batches,
                                                                    std::int64_t entries_max, Monotonic deadline);

  // Stores one round, whole or not at all. `tree` has the leaves appended; `known_size` is what it had before.
  [[nodiscard]] boost::asio::awaitable<void> seal(std::uint64_t known_size, const SealedTree& tree, const Hash& root,
                                                  const std::vector<NewLeaf>& leaves, const NoteVerifier& verifier,
                                                  Monotonic deadline);

  // Checkpoints of more than `size` leaves, the smallest first.
  [[nodiscard]] boost::asio::awaitable<std::vector<Publication>> checkpoints_after(std::uint64_t size, int most,
                                                                                   Monotonic deadline);

 private:
  postgres::Connection& connection_;
  LeafHasher hash_;
};

}  // namespace tenon::audit
