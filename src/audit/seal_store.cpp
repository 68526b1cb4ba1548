#include "audit/seal_store.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "audit/checkpoint.hpp"
#include "base/test_switch.hpp"

namespace tenon::audit {
namespace {

namespace asio = boost::asio;
using postgres::ArrayParameter;
using postgres::Parameters;
using postgres::Rows;
using postgres::Type;

constexpr int batches_max = 4096;  // rows of the ledger looked at for one round

// xid8 is unsigned, and has no binary form that we send: it goes as text.
void add_transaction(Parameters& parameters, std::uint64_t transaction_id) {
  parameters.add(std::string_view(std::to_string(transaction_id)));
}

std::uint64_t transaction_in(const Rows& rows, int row, int column) {
  return static_cast<std::uint64_t>(postgres::read_int(rows.get(row, column).value()));
}

std::int64_t integer_in(const Rows& rows, int row, int column) {
  return postgres::read_int(rows.get(row, column).value());
}

DueBatch batch_in(const Rows& rows, int row) {
  return {.transaction_id = transaction_in(rows, row, 0),
          .first_id = integer_in(rows, row, 1),
          .last_id = integer_in(rows, row, 2),
          .entries = integer_in(rows, row, 3)};
}

// Whole transactions of at most so many entries altogether, or the first one; the last one in `batches` counts as whole
// only if nothing may follow.
void keep_whole_transactions(std::vector<DueBatch>& batches, std::int64_t entries_max, bool last_is_whole) {
  std::size_t kept = 0;
  std::int64_t entries = 0;
  for (std::size_t begin = 0; begin < batches.size();) {
    std::size_t end = begin;
    while (end < batches.size() && batches[end].transaction_id == batches[begin].transaction_id)
      entries += batches[end++].entries;
    if (end == batches.size() && !last_is_whole) break;
    if (kept > 0 && entries > entries_max) break;
    kept = begin = end;
  }
  batches.resize(kept);
}

// From `begin` on, batches of about so many entries.
std::size_t slice_end(const std::vector<DueBatch>& batches, std::size_t begin, std::int64_t entries_max) {
  std::int64_t entries = batches[begin].entries;
  std::size_t end = begin + 1;
  while (end < batches.size() && entries + batches[end].entries <= entries_max) entries += batches[end++].entries;
  return end;
}

void require_sound(SealedTree& tree, const std::string& root, const NoteSigner& signer) {
  const auto checkpoint = open_checkpoint(signer.verifier(), tree.note);
  if (!checkpoint) {
    throw SealingRefused("the last checkpoint in the database is not one of this log's key: " + checkpoint.error() +
                         ": run tenon audit verify");
  }
  if (checkpoint->size != tree.tiles.size() || as_text(checkpoint->root) != root ||
      checkpoint->root != tree.tiles.root()) {
    throw SealingRefused("the stored tree is not the one that its last checkpoint is of: run tenon audit verify");
  }
}

}  // namespace

asio::awaitable<bool> SealStore::take_turn(Monotonic deadline) {
  const Rows rows = co_await connection_.execute("SELECT tenon.take_audit_turn()", {}, deadline);
  co_return postgres::read_bool(rows.get(0, 0).value());
}

asio::awaitable<SealedTree> SealStore::load(const NoteSigner& signer, Monotonic deadline) {
  const Rows identity = co_await connection_.execute("SELECT verifier_key FROM tenon.audit_log_identity", {}, deadline);
  if (identity.size() > 0 && identity.text(0, 0) != signer.verifier().text()) {
    throw SealingRefused("the audit log is sealed with the key " + identity.text(0, 0) + ", and this node has " +
                         signer.verifier().text() +
                         ": give it the audit-key of the node that sealed first, or start it with --sealer off");
  }
  const Rows last = co_await connection_.execute(
      "SELECT size, root, note, transaction_id, last_id, transaction_id < pg_snapshot_xmax(pg_current_snapshot()) "
      "FROM tenon.audit_checkpoints ORDER BY size DESC LIMIT 1",
      {}, deadline);
  SealedTree tree;
  if (last.size() == 0) co_return tree;
  if (!postgres::read_bool(last.get(0, 5).value())) {
    throw SealingRefused(
        "the sealed entries are of later transactions than this server has begun: a dump was restored into another "
        "cluster, where ids begin anew. Restore a physical backup, or raise them with pg_resetwal "
        "--next-transaction-id");
  }
  const auto size = static_cast<std::uint64_t>(integer_in(last, 0, 0));
  std::vector<Tile> edge;
  for (const TileId id : edge_of(size)) {
    Parameters parameters;
    parameters.add(std::int64_t{id.level});
    parameters.add(static_cast<std::int64_t>(id.index));
    const Rows tile = co_await connection_.execute(
        "SELECT hashes FROM tenon.audit_tiles WHERE level = $1 AND index = $2", parameters, deadline);
    if (tile.size() > 0) edge.push_back({.id = id, .hashes = tile.text(0, 0)});
  }
  tree.note = last.text(0, 2);
  tree.last = {.transaction_id = transaction_in(last, 0, 3), .id = integer_in(last, 0, 4)};
  try {
    tree.tiles = TileWriter(size, edge);
  } catch (const std::exception& wrong) {
    throw SealingRefused(std::string("the stored tree has a hole: ") + wrong.what() + ": run tenon audit verify");
  }
  require_sound(tree, last.text(0, 1), signer);
  co_return tree;
}

asio::awaitable<Due> SealStore::due(EntryKey last, std::int64_t entries_max, Monotonic deadline) {
  Parameters parameters;
  add_transaction(parameters, last.transaction_id);
  parameters.add(std::int64_t{batches_max});
  // One statement, one snapshot: what is below its xmin has ended, and nothing will come in between.
  const std::string has_settled = test_switch::on(test_switch::Mutant::sealer_trusts_ids)
                                      ? "true"
                                      : "transaction_id < pg_snapshot_xmin(pg_current_snapshot())";
  const Rows rows = co_await connection_.execute(
      "SELECT transaction_id, first_id, last_id, entries, " + has_settled +
          ", "
          "(extract(epoch FROM clock_timestamp() - first_at) * 1000)::bigint "
          "FROM tenon.audit_batches WHERE transaction_id > $1::text::xid8 ORDER BY transaction_id, first_id LIMIT $2",
      parameters, deadline);
  Due due;
  if (rows.size() == 0) co_return due;
  due.oldest = std::chrono::milliseconds(std::max<std::int64_t>(0, integer_in(rows, 0, 5)));
  for (int row = 0; row < rows.size() && postgres::read_bool(rows.get(row, 4).value()); ++row) {
    due.batches.push_back(batch_in(rows, row));
  }
  const bool cut = due.batches.size() == batches_max;
  const std::size_t settled = due.batches.size();
  if (cut && due.batches.front().transaction_id == due.batches.back().transaction_id) {
    Parameters one;
    add_transaction(one, due.batches.front().transaction_id);
    const Rows whole = co_await connection_.execute(
        "SELECT transaction_id, first_id, last_id, entries FROM tenon.audit_batches "
        "WHERE transaction_id = $1::text::xid8 ORDER BY first_id",
        one, deadline);
    due.batches.clear();
    for (int row = 0; row < whole.size(); ++row) due.batches.push_back(batch_in(whole, row));
  } else {
    keep_whole_transactions(due.batches, entries_max, !cut);
  }
  due.more = cut || due.batches.size() < settled;
  co_return due;
}

asio::awaitable<std::vector<NewLeaf>> SealStore::leaves(const std::vector<DueBatch>& batches, std::int64_t entries_max,
                                                        Monotonic deadline) {
  std::vector<NewLeaf> leaves;
  std::array<std::optional<std::string_view>, entry_column_count> columns;
  std::int64_t told = 0;
  for (std::size_t begin = 0; begin < batches.size();) {
    const std::size_t end = slice_end(batches, begin, entries_max);
    Parameters parameters;
    add_transaction(parameters, batches[begin].transaction_id);
    parameters.add(batches[begin].first_id);
    add_transaction(parameters, batches[end - 1].transaction_id);
    parameters.add(batches[end - 1].first_id);
    const Rows rows = co_await connection_.execute(
        "SELECT a.id, a.at, a.transaction_id, a.entity_id, a.action, a.entity_kind, a.actor, a.role, a.request_id, "
        "a.idempotency_key, a.before, a.after FROM tenon.audit_batches AS b JOIN public.audit_logs AS a "
        "ON a.id BETWEEN b.first_id AND b.last_id AND a.at BETWEEN b.first_at AND b.last_at "
        "AND a.transaction_id = b.transaction_id "
        "WHERE (b.transaction_id, b.first_id) >= ($1::text::xid8, $2) "
        "AND (b.transaction_id, b.first_id) <= ($3::text::xid8, $4)",
        parameters, deadline);
    for (int row = 0; row < rows.size(); ++row) {
      for (std::size_t column = 0; column < columns.size(); ++column)
        columns[column] = rows.get(row, static_cast<int>(column));
      const Entry entry = entry_of(columns);
      leaves.push_back({.key = key_of(entry), .hash = hash_(entry)});
    }
    for (; begin < end; ++begin) told += batches[begin].entries;
  }
  std::ranges::sort(leaves, {}, &NewLeaf::key);
  if (std::cmp_not_equal(leaves.size(), told) ||
      std::ranges::adjacent_find(leaves, {}, &NewLeaf::key) != leaves.end()) {
    throw SealingRefused("the ledger tells of " + std::to_string(told) + " entries from transaction " +
                         std::to_string(batches.front().transaction_id) + " to " +
                         std::to_string(batches.back().transaction_id) + ", and there are " +
                         std::to_string(leaves.size()) + ": somebody changed the log before it was sealed");
  }
  co_return leaves;
}

asio::awaitable<void> SealStore::seal(std::uint64_t known_size, const SealedTree& tree, const Hash& root,
                                      const std::vector<NewLeaf>& leaves, const NoteVerifier& verifier,
                                      Monotonic deadline) {
  ArrayParameter levels(Type::int2);
  ArrayParameter indexes(Type::int8);
  ArrayParameter hashes(Type::bytea);
  ArrayParameter first_transactions(Type::text);
  ArrayParameter first_ids(Type::int8);
  for (const Tile& tile : tree.tiles.changed()) {
    levels.add(std::int64_t{tile.id.level});
    indexes.add(static_cast<std::int64_t>(tile.id.index));
    hashes.add(std::string_view(tile.hashes));
    if (tile.id.level > 0) {
      first_transactions.add_null();
      first_ids.add_null();
      continue;
    }
    // A tile that was begun earlier keeps the key that is stored.
    const std::uint64_t first_leaf = tile.id.index * tile_width;
    const EntryKey first = first_leaf < known_size ? EntryKey{} : leaves[first_leaf - known_size].key;
    first_transactions.add(std::string_view(std::to_string(first.transaction_id)));
    first_ids.add(first.id);
  }
  Parameters parameters;
  parameters.add(static_cast<std::int64_t>(known_size));
  parameters.add(std::string_view(verifier.id().name));
  parameters.add(std::string_view(verifier.text()));
  parameters.add(static_cast<std::int64_t>(tree.tiles.size()));
  parameters.add_bytes(as_text(root));
  parameters.add(std::string_view(tree.note));
  add_transaction(parameters, tree.last.transaction_id);
  parameters.add(tree.last.id);
  for (ArrayParameter* array : {&levels, &indexes, &hashes, &first_transactions, &first_ids}) parameters.add(*array);
  co_await connection_.execute(
      "SELECT tenon.seal_audit($1, $2, $3, $4, $5, $6, $7::text::xid8, $8, $9, $10, $11, $12::text[]::xid8[], $13)",
      parameters, deadline);
}

asio::awaitable<std::vector<Publication>> SealStore::checkpoints_after(std::uint64_t size, int most,
                                                                       Monotonic deadline) {
  Parameters parameters;
  parameters.add(static_cast<std::int64_t>(size));
  parameters.add(std::int64_t{most});
  const Rows rows = co_await connection_.execute(
      "SELECT size, note FROM tenon.audit_checkpoints WHERE size > $1 ORDER BY size LIMIT $2", parameters, deadline);
  std::vector<Publication> checkpoints;
  for (int row = 0; row < rows.size(); ++row) {
    checkpoints.push_back({.size = static_cast<std::uint64_t>(integer_in(rows, row, 0)), .note = rows.text(row, 1)});
  }
  co_return checkpoints;
}

}  // namespace tenon::audit
