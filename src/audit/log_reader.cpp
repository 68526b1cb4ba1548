#include "audit/log_reader.hpp"

#include <algorithm>

namespace tenon::audit {
namespace {

using postgres::Parameters;
using postgres::Rows;

// Sizes, tile indices and the like, which PostgreSQL knows as bigint only.
std::int64_t as_bigint(std::uint64_t number) {
  return static_cast<std::int64_t>(
      std::min(number, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
}

std::int64_t bigint(const Rows& rows, int row, int column) {
  const auto bytes = rows.get(row, column);
  return bytes ? postgres::read_int(*bytes) : 0;
}

std::uint64_t natural(const Rows& rows, int row, int column) {
  return static_cast<std::uint64_t>(bigint(rows, row, column));
}

std::optional<EntryKey> key_in(const Rows& rows, int row, int column) {
  if (!rows.get(row, column) || !rows.get(row, column + 1)) return std::nullopt;
  return EntryKey{.transaction_id = natural(rows, row, column), .id = bigint(rows, row, column + 1)};
}

StoredCheckpoint checkpoint_in(const Rows& rows, int row) {
  return {.size = natural(rows, row, 0),
          .note = rows.text(row, 1),
          .last = {.transaction_id = natural(rows, row, 2), .id = bigint(rows, row, 3)}};
}

std::vector<StoredCheckpoint> checkpoints_in(const Rows& rows) {
  std::vector<StoredCheckpoint> checkpoints;
  for (int row = 0; row < rows.size(); ++row) checkpoints.push_back(checkpoint_in(rows, row));
  return checkpoints;
}

LedgerBatch batch_in(const Rows& rows, int row) {
  return {.transaction_id = natural(rows, row, 0),
          .first_id = bigint(rows, row, 1),
          .last_id = bigint(rows, row, 2),
          .entries = bigint(rows, row, 3),
          .first_at = bigint(rows, row, 4),
          .last_at = bigint(rows, row, 5)};
}

std::vector<LedgerBatch> batches_in(const Rows& rows) {
  std::vector<LedgerBatch> batches;
  for (int row = 0; row < rows.size(); ++row) batches.push_back(batch_in(rows, row));
  return batches;
}

Parameters numbers(std::initializer_list<std::int64_t> values) {
  Parameters parameters;
  for (const std::int64_t value : values) parameters.add(value);
  return parameters;
}

// Transaction ids travel as text: libpq knows no parameter type of its own for xid8.
void add_transaction(Parameters& parameters, std::uint64_t transaction_id) {
  parameters.add(std::string_view(std::to_string(transaction_id)));
}

const std::string select_checkpoints = "SELECT size, note, transaction_id, last_id FROM tenon.audit_checkpoints ";
const std::string select_batches =
    "SELECT transaction_id, first_id, last_id, entries::bigint, first_at, last_at FROM tenon.audit_batches ";

}  // namespace

LogReader::LogReader(const std::string& conninfo) : session_(conninfo) {
  // The node's role gives its statements seconds; a chunk of a big log on a slow disk may take longer.
  session_.script("SET statement_timeout = '10min'; SET default_transaction_read_only = on; SET timezone = 'UTC'");
}

std::optional<LogIdentity> LogReader::identity() {
  const Rows rows = session_.fetch("SELECT origin, verifier_key FROM tenon.audit_log_identity");
  if (rows.size() == 0) return std::nullopt;
  return LogIdentity{.origin = rows.text(0, 0), .verifier_key = rows.text(0, 1)};
}

bool LogReader::is_standby() {
  return postgres::read_bool(session_.fetch("SELECT pg_is_in_recovery()").get(0, 0).value());
}

std::optional<StoredCheckpoint> LogReader::newest_checkpoint() {
  const Rows rows = session_.fetch(select_checkpoints + "ORDER BY size DESC LIMIT 1");
  if (rows.size() == 0) return std::nullopt;
  return checkpoint_in(rows, 0);
}

std::optional<StoredCheckpoint> LogReader::checkpoint_at(std::uint64_t size) {
  const auto found = checkpoints(size, size);
  if (found.empty()) return std::nullopt;
  return found.front();
}

std::vector<StoredCheckpoint> LogReader::checkpoints(std::uint64_t first, std::uint64_t last) {
  const Rows rows = session_.fetch(select_checkpoints + "WHERE size BETWEEN $1 AND $2 ORDER BY size",
                                   numbers({as_bigint(first), as_bigint(last)}));
  return checkpoints_in(rows);
}

std::vector<StoredCheckpoint> LogReader::checkpoints_down_from(std::uint64_t last, std::size_t most) {
  return checkpoints_in(session_.fetch(select_checkpoints + "WHERE size BETWEEN 1 AND $1 ORDER BY size DESC LIMIT $2",
                                       numbers({as_bigint(last), as_bigint(most)})));
}

std::uint64_t LogReader::checkpoint_count() {
  return natural(session_.fetch("SELECT count(*) FROM tenon.audit_checkpoints"), 0, 0);
}

std::vector<Tile> LogReader::tiles(unsigned level, std::uint64_t first, std::uint64_t count) {
  const Rows rows = session_.fetch(
      "SELECT index, hashes FROM tenon.audit_tiles WHERE level = $1 AND index >= $2 AND index < $3 ORDER BY index",
      numbers({level, as_bigint(first), as_bigint(first + count)}));
  std::vector<Tile> tiles;
  for (int row = 0; row < rows.size(); ++row)
    tiles.push_back({.id = {level, natural(rows, row, 0)}, .hashes = rows.text(row, 1)});
  return tiles;
}

std::vector<LeafTile> LogReader::leaf_tiles(std::uint64_t first, std::uint64_t count) {
  const Rows rows = session_.fetch(
      "SELECT index, hashes, first_transaction_id, first_id FROM tenon.audit_tiles "
      "WHERE level = 0 AND index >= $1 AND index < $2 ORDER BY index",
      numbers({as_bigint(first), as_bigint(first + count)}));
  std::vector<LeafTile> tiles;
  for (int row = 0; row < rows.size(); ++row)
    tiles.push_back({.index = natural(rows, row, 0), .hashes = rows.text(row, 1), .first = key_in(rows, row, 2)});
  return tiles;
}

std::map<TileId, std::string> LogReader::tiles(const std::vector<TileId>& wanted) {
  std::map<TileId, std::string> found;
  for (const TileId id : wanted) {
    for (Tile& tile : tiles(id.level, id.index, 1)) found[id] = std::move(tile.hashes);
  }
  return found;
}

std::uint64_t LogReader::leaf_tile_count() {
  return natural(session_.fetch("SELECT count(*) FROM tenon.audit_tiles WHERE level = 0"), 0, 0);
}

std::uint64_t LogReader::leaf_count() {
  const Rows rows = session_.fetch(
      "SELECT index, length(hashes)::bigint FROM tenon.audit_tiles WHERE level = 0 ORDER BY index DESC LIMIT 1");
  return rows.size() == 0 ? 0 : natural(rows, 0, 0) * tile_width + natural(rows, 0, 1) / sizeof(Hash);
}

std::vector<std::optional<EntryKey>> LogReader::first_keys(std::uint64_t first, std::uint64_t step) {
  const Rows rows = session_.fetch(
      "SELECT first_transaction_id, first_id FROM tenon.audit_tiles WHERE level = 0 AND index >= $1 AND index % $2 = "
      "$1 % $2 "
      "ORDER BY index",
      numbers({as_bigint(first), as_bigint(step)}));
  std::vector<std::optional<EntryKey>> keys;
  for (int row = 0; row < rows.size(); ++row) keys.push_back(key_in(rows, row, 0));
  return keys;
}

std::optional<std::uint64_t> LogReader::tile_of(EntryKey key) {
  Parameters parameters;
  add_transaction(parameters, key.transaction_id);
  parameters.add(key.id);
  const Rows rows = session_.fetch(
      "SELECT index FROM tenon.audit_tiles WHERE level = 0 AND (first_transaction_id, first_id) <= ($1::xid8, $2) "
      "ORDER BY first_transaction_id DESC, first_id DESC LIMIT 1",
      parameters);
  if (rows.size() == 0) return std::nullopt;
  return natural(rows, 0, 0);
}

void LogReader::entries(IdRange ids, const std::function<void(const Entry&)>& each) {
  session_.stream("SELECT " + std::string(entry_columns) + " FROM public.audit_logs WHERE id >= " +
                      std::to_string(ids.first) + " AND id <= " + std::to_string(ids.last),
                  [&each](postgres::Session::Columns columns) { each(entry_of(columns)); });
}

std::vector<std::string> LogReader::leaves_with_id(std::int64_t id) {
  std::vector<std::string> leaves;
  entries({.first = id, .last = id}, [&leaves](const Entry& entry) { leaves.push_back(leaf_of(entry)); });
  return leaves;
}

std::optional<std::int64_t> LogReader::newest_id() {
  const Rows rows = session_.fetch("SELECT id FROM public.audit_logs ORDER BY id DESC LIMIT 1");
  if (rows.size() == 0) return std::nullopt;
  return bigint(rows, 0, 0);
}

std::optional<std::int64_t> LogReader::last_id_given() {
  const Rows rows = session_.fetch(
      "SELECT CASE WHEN has_sequence_privilege('tenon.audit_log_ids', 'SELECT') "
      "THEN coalesce(pg_sequence_last_value('tenon.audit_log_ids'), 0) END");
  if (!rows.get(0, 0)) return std::nullopt;
  return bigint(rows, 0, 0);
}

std::vector<RetiredRange> LogReader::retired() {
  const Rows rows = session_.fetch("SELECT name, from_at, to_at, entries FROM tenon.audit_retired ORDER BY from_at");
  std::vector<RetiredRange> ranges;
  for (int row = 0; row < rows.size(); ++row) {
    ranges.push_back({.name = rows.text(row, 0),
                      .from = bigint(rows, row, 1),
                      .to = bigint(rows, row, 2),
                      .entries = bigint(rows, row, 3)});
  }
  return ranges;
}

std::vector<LedgerBatch> LogReader::batches(std::uint64_t from_transaction, std::uint64_t to_transaction,
                                            std::size_t most) {
  Parameters parameters;
  add_transaction(parameters, from_transaction);
  add_transaction(parameters, to_transaction);
  parameters.add(as_bigint(most));
  return batches_in(session_.fetch(select_batches + "WHERE transaction_id >= $1::xid8 AND transaction_id <= $2::xid8 "
                                                    "ORDER BY transaction_id, first_id LIMIT $3",
                                   parameters));
}

std::vector<LedgerBatch> LogReader::batches_after(EntryKey after, std::size_t most) {
  Parameters parameters;
  add_transaction(parameters, after.transaction_id);
  parameters.add(after.id);
  parameters.add(as_bigint(most));
  return batches_in(session_.fetch(select_batches + "WHERE (transaction_id, first_id) > ($1::xid8, $2) "
                                                    "ORDER BY transaction_id, first_id LIMIT $3",
                                   parameters));
}

std::int64_t LogReader::entries_in_ledger(EntryKey to) {
  Parameters parameters;
  add_transaction(parameters, to.transaction_id);
  parameters.add(to.id);
  return bigint(session_.fetch("SELECT coalesce(sum(entries), 0)::bigint FROM tenon.audit_batches "
                               "WHERE (transaction_id, first_id) <= ($1::xid8, $2)",
                               parameters),
                0, 0);
}

std::optional<std::int64_t> LogReader::lowest_id_after(EntryKey key) {
  Parameters parameters;
  add_transaction(parameters, key.transaction_id);
  parameters.add(key.id);
  const Rows rows = session_.fetch(
      "SELECT min(first_id) FROM tenon.audit_batches WHERE (transaction_id, first_id) > ($1::xid8, $2)", parameters);
  if (!rows.get(0, 0)) return std::nullopt;
  return bigint(rows, 0, 0);
}

std::optional<EntryKey> LogReader::stray_entry_after(EntryKey key, std::int64_t lowest) {
  Parameters parameters;
  add_transaction(parameters, key.transaction_id);
  parameters.add(key.id);
  parameters.add(lowest);
  const Rows rows = session_.fetch(
      "SELECT a.transaction_id, a.id FROM public.audit_logs AS a WHERE a.id >= $3 AND (a.transaction_id, a.id) > "
      "($1::xid8, $2) "
      "AND NOT EXISTS (SELECT FROM tenon.audit_batches AS b WHERE b.transaction_id = a.transaction_id "
      "AND a.id BETWEEN b.first_id AND b.last_id) ORDER BY 1, 2 LIMIT 1",
      parameters);
  if (rows.size() == 0) return std::nullopt;
  return key_in(rows, 0, 0);
}

}  // namespace tenon::audit
