#include "support/audit_log.hpp"

#include <algorithm>
#include <map>

#include "audit/base64.hpp"
#include "audit/tile.hpp"
#include "postgres/session.hpp"

namespace tenon::test {
namespace {

using audit::Checkpoint;
using audit::EntryKey;
using postgres::Parameters;
using postgres::Session;

struct SealedRow {
  EntryKey key;
  audit::Hash hash;
};

Session past_triggers(const std::string& conninfo) {
  Session session(conninfo);
  session.script("SET session_replication_role = replica; SET synchronous_commit = off; SET timezone = 'UTC'");
  return session;
}

std::vector<SealedRow> all_rows(const std::string& conninfo) {
  audit::LogReader reader(conninfo);
  audit::LeafHasher hash;
  std::vector<SealedRow> rows;
  reader.entries({}, [&](const audit::Entry& entry) { rows.push_back({audit::key_of(entry), hash(entry)}); });
  std::ranges::sort(rows, {}, &SealedRow::key);
  return rows;
}

// `first`: the key of its first leaf, of no meaning above level 0.
void store(Session& session, const audit::Tile& tile, EntryKey first) {
  Parameters parameters;
  parameters.add(std::int64_t{tile.id.level});
  parameters.add(static_cast<std::int64_t>(tile.id.index));
  parameters.add_bytes(tile.hashes);
  parameters.add(std::string_view(std::to_string(first.transaction_id)));
  parameters.add(first.id);
  session.fetch(
      "INSERT INTO tenon.audit_tiles (level, index, hashes, first_transaction_id, first_id) "
      "VALUES ($1, $2, $3, CASE WHEN $1 = 0 THEN $4::xid8 END, CASE WHEN $1 = 0 THEN $5 END) "
      "ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes",
      parameters);
}

void store(Session& session, const Checkpoint& checkpoint, const audit::NoteSigner& signer, EntryKey last) {
  Parameters parameters;
  parameters.add(static_cast<std::int64_t>(checkpoint.size));
  parameters.add_bytes(as_text(checkpoint.root));
  parameters.add(std::string_view(signer.sign(checkpoint.text())));
  parameters.add(std::string_view(std::to_string(last.transaction_id)));
  parameters.add(last.id);
  session.fetch(
      "INSERT INTO tenon.audit_checkpoints (size, root, note, at, transaction_id, last_id) "
      "VALUES ($1, $2, $3, now(), $4::xid8, $5)",
      parameters);
}

// Seals what the database has up to each of the sizes; the tree goes on from the one that is stored.
std::vector<Checkpoint> seal_rows(const std::string& conninfo, const audit::NoteSigner& signer,
                                  const std::vector<std::uint64_t>& sizes) {
  const std::vector<SealedRow> rows = all_rows(conninfo);
  audit::LogReader reader(conninfo);
  const std::uint64_t begin = reader.leaf_count();
  std::vector<audit::Tile> edge;
  for (const auto& [id, hashes] : reader.tiles(audit::edge_of(begin))) edge.push_back({id, hashes});
  audit::TileWriter tree(begin, edge);
  Session session = past_triggers(conninfo);
  session.script("BEGIN");
  session.execute(
      "INSERT INTO tenon.audit_log_identity (origin, verifier_key) SELECT $1, $2 "
      "WHERE NOT EXISTS (SELECT FROM tenon.audit_log_identity)",
      {signer.verifier().id().name, signer.verifier().text()});
  std::vector<Checkpoint> checkpoints;
  for (const std::uint64_t size : sizes) {
    while (tree.size() < size) tree.append(rows[tree.size()].hash);
    for (const audit::Tile& tile : tree.changed()) {
      store(session, tile, tile.id.level == 0 ? rows[tile.id.index * audit::tile_width].key : EntryKey());
    }
    tree.clear_changed();
    checkpoints.push_back({.origin = signer.verifier().id().name, .size = size, .root = tree.root()});
    store(session, checkpoints.back(), signer, rows[size - 1].key);
  }
  session.script("COMMIT");
  return checkpoints;
}

}  // namespace

HandMadeLog::HandMadeLog(std::string conninfo, std::uint64_t seed)
    : conninfo_(std::move(conninfo)), random_(seed), signer_(audit::NoteSigner::generate("tenon/0123456789abcdef")) {}

std::vector<EntryKey> HandMadeLog::append(std::uint64_t entries, const std::string& epoch) {
  std::vector<EntryKey> keys;
  std::string rows;
  std::string batches;
  while (keys.size() < entries) {
    const std::uint64_t transaction = 1'000 + 3 * transactions_;
    // Blocks of ids: transactions 18 and 19 of every twenty have each other's.
    const std::uint64_t in_twenty = transactions_ % 20;
    const std::uint64_t block = in_twenty == 18   ? transactions_ + 1
                                : in_twenty == 19 ? transactions_ - 1
                                                  : transactions_;
    random_ = random_ * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    const std::uint64_t count = std::min<std::uint64_t>(entries - keys.size(), 1 + (random_ >> 33) % 5);
    const auto first = static_cast<std::int64_t>(1024 * (block + 1));
    for (std::uint64_t i = 0; i < count; ++i) {
      keys.push_back({.transaction_id = transaction, .id = first + static_cast<std::int64_t>(i)});
      rows += (rows.empty() ? "(" : ",(") + std::to_string(keys.back().id) + "," + std::to_string(transaction) + ")";
    }
    batches += (batches.empty() ? "(" : ",(") + std::to_string(transaction) + "," + std::to_string(first) + "," +
               std::to_string(count) + ")";
    ++transactions_;
  }
  Session session = past_triggers(conninfo_);
  session.script("BEGIN");
  session.script(
      "INSERT INTO public.audit_logs (id, at, transaction_id, entity_id, action, entity_kind, actor, role, request_id, "
      "idempotency_key, before, after) SELECT id, timestamptz '" +
      epoch +
      "' + id * interval '37 milliseconds', "
      "t::text::xid8, "
      "md5((id % 997)::text)::uuid, CASE WHEN id % 5 = 0 THEN 'CREATE_ITEM' ELSE 'STOCK_DECREMENT' END, 'item', "
      "'clerk-' || id % 13, 'staff', md5(id::text), CASE WHEN id % 3 <> 0 THEN 'order-' || id END, "
      "CASE WHEN id % 5 <> 0 THEN format('{\"quantity_available\":%s,\"quantity_sold\":%s,\"version\":%s}', id % 50, "
      "id % 70, id) END, "
      "format('{\"quantity_available\":%s,\"quantity_sold\":%s,\"version\":%s}', id % 50 - 1, id % 70 + 1, id + 1) "
      "FROM (VALUES " +
      rows + ") AS r (id, t)");
  session.script(
      "INSERT INTO tenon.audit_batches (transaction_id, first_id, last_id, first_at, last_at, entries) "
      "SELECT t::text::xid8, first, first + n - 1, timestamptz '" +
      epoch +
      "' + first * interval '37 milliseconds', "
      "timestamptz '" +
      epoch + "' + (first + n - 1) * interval '37 milliseconds', n FROM (VALUES " + batches + ") AS b (t, first, n)");
  session.script("SELECT setval('tenon.audit_log_ids', " + std::to_string(1024 * (transactions_ + 1)) + ")");
  session.script("COMMIT");
  keys_.insert(keys_.end(), keys.begin(), keys.end());
  return keys;
}

void HandMadeLog::seal(unsigned rounds) {
  const std::uint64_t begin = sizes_.empty() ? 0 : sizes_.back();
  const std::uint64_t more = keys_.size() - begin;
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    const std::uint64_t size = begin + more * round / rounds;
    if (size > (sizes.empty() ? begin : sizes.back())) sizes.push_back(size);
  }
  for (const Checkpoint& checkpoint : seal_rows(conninfo_, signer_, sizes))
    published_ += published_line(checkpoint, signer_);
  sizes_.insert(sizes_.end(), sizes.begin(), sizes.end());
}

// One entry a transaction; leaf n has the id 1024 (n + 1).
std::vector<std::int64_t> HandMadeLog::seal_sparsely(std::uint64_t leaves, std::uint64_t step) {
  Session session = past_triggers(conninfo_);
  const std::string last = std::to_string((leaves - 1) / step);
  const std::string by = std::to_string(step);
  session.script(
      "INSERT INTO public.audit_logs (id, at, transaction_id, entity_id, action, entity_kind, actor, role, request_id, "
      "after) "
      "SELECT 1024 * (n * " +
      by + " + 1), timestamptz '2026-01-01' + n * interval '1 second', (1000 + n * " + by +
      ")::text::xid8, "
      "md5(n::text)::uuid, 'STOCK_DECREMENT', 'item', 'clerk', 'staff', md5(n::text), '{}' FROM "
      "generate_series(0::bigint, " +
      last + ") AS n");
  std::map<std::uint64_t, audit::Hash> known;
  std::vector<std::int64_t> ids;
  audit::LeafHasher hash;
  audit::LogReader(conninfo_).entries({}, [&](const audit::Entry& entry) {
    known[static_cast<std::uint64_t>(entry.id) / 1024 - 1] = hash(entry);
    ids.push_back(entry.id);
  });
  const auto key = [](std::uint64_t leaf) {
    return EntryKey{.transaction_id = 1000 + leaf, .id = static_cast<std::int64_t>(1024 * (leaf + 1))};
  };
  audit::Hasher hasher;
  audit::TileWriter tree;
  session.script("BEGIN");
  const auto store_changed = [&] {
    for (const audit::Tile& tile : tree.changed()) store(session, tile, key(tile.id.index * audit::tile_width));
    tree.clear_changed();
  };
  for (std::uint64_t leaf = 0; leaf < leaves; ++leaf) {
    const auto entry = known.find(leaf);
    tree.append(entry == known.end() ? hasher.leaf(std::to_string(leaf)) : entry->second);
    if (tree.size() % 65'536 == 0) store_changed();
  }
  store_changed();
  const Checkpoint checkpoint{.origin = signer_.verifier().id().name, .size = leaves, .root = tree.root()};
  store(session, checkpoint, signer_, key(leaves - 1));
  session.script("COMMIT");
  return ids;
}

void rebuild_tree(const std::string& conninfo, const audit::NoteSigner& signer,
                  const std::vector<std::uint64_t>& sizes) {
  past_triggers(conninfo).script(
      "TRUNCATE tenon.audit_tiles, tenon.audit_checkpoints; TRUNCATE tenon.audit_log_identity");
  (void)seal_rows(conninfo, signer, sizes);
}

std::string published_line(const Checkpoint& checkpoint, const audit::NoteSigner& signer) {
  return std::to_string(checkpoint.size) + " " + audit::base64(signer.sign(checkpoint.text())) + "\n";
}

}  // namespace tenon::test
