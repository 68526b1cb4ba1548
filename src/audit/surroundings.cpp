#include "audit/surroundings.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "audit/retirement.hpp"
#include "base/limits.hpp"

namespace tenon::audit {
namespace {

constexpr std::size_t batches_max = 100'000;
constexpr std::size_t candidates_max = 5'000;
constexpr std::size_t places_max = 100;

constexpr EntryKey last_key{.transaction_id = std::numeric_limits<std::uint64_t>::max(),
                            .id = std::numeric_limits<std::int64_t>::max()};

std::int64_t after(std::int64_t id) { return id == std::numeric_limits<std::int64_t>::max() ? id : id + 1; }
std::int64_t before(std::int64_t id) { return id == std::numeric_limits<std::int64_t>::min() ? id : id - 1; }

bool overlaps(const LedgerBatch& batch, EntryKey first, EntryKey end) {
  return EntryKey(batch.transaction_id, batch.last_id) >= first && EntryKey(batch.transaction_id, batch.first_id) < end;
}

std::map<std::string_view, std::uint64_t> indices_of(const LeafTile& tile) {
  std::map<std::string_view, std::uint64_t> indices;
  for (std::size_t at = 0; at + sizeof(Hash) <= tile.hashes.size(); at += sizeof(Hash)) {
    indices.emplace(std::string_view(tile.hashes).substr(at, sizeof(Hash)),
                    tile.index * tile_width + at / sizeof(Hash));
  }
  return indices;
}

}  // namespace

const Surroundings::Neighbourhood& Surroundings::around(std::uint64_t tile) {
  if (const auto known = known_.find(tile); known != known_.end()) return known->second;
  if (known_.size() > places_max) known_.clear();
  Neighbourhood& place = known_[tile];
  const std::vector<LeafTile> tiles = reader_.leaf_tiles(tile, 2);
  if (tiles.empty() || tiles.front().index != tile) return place;
  const EntryKey first = tiles.front().first.value_or(EntryKey());
  if (tiles.size() == 2) place.end = tiles.back().first;
  const EntryKey end = place.end.value_or(last_key);

  // Whatever the ledger says: a tile's entries have ids of some blocks side by side.
  constexpr std::int64_t spread = 512 * static_cast<std::int64_t>(limits::audit_id_block);
  const std::int64_t lowest = std::max(first.id, std::numeric_limits<std::int64_t>::min() + spread) - spread;
  const std::int64_t highest = std::min(first.id, std::numeric_limits<std::int64_t>::max() - spread) + spread;
  IdRange ids{.first = first.id, .last = first.id};
  const std::uint64_t last_transaction =
      std::min(end.transaction_id, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  for (const LedgerBatch& batch : reader_.batches(first.transaction_id, last_transaction, batches_max)) {
    if (!overlaps(batch, first, end)) continue;
    place.batches.push_back(batch);
    ids.first = std::min(ids.first, std::max(batch.first_id, lowest));
    ids.last = std::max(ids.last, std::min(batch.last_id, highest));
    // The last tile has no next one: a batch or two after it are enough.
    if (!place.end && place.batches.size() > 2 * tile_width) break;
  }
  const auto indices = indices_of(tiles.front());
  reader_.entries(ids, [&](const Entry& entry) {
    const Hash hash = hash_(entry);
    if (const auto found = indices.find(as_text(hash)); found != indices.end())
      place.sealed.push_back({.index = found->second, .key = key_of(entry), .at = as_postgres(entry.at)});
  });
  std::ranges::sort(place.sealed, {}, &Sealed::index);
  return place;
}

LostLeaf Surroundings::of_leaf(const LeafHash& leaf) {
  LostLeaf lost{.index = leaf.index, .hash = leaf.hash};
  const std::uint64_t tile = leaf.index / tile_width;
  for (std::uint64_t earlier = tile + 1; earlier-- > 0 && !lost.previous;) {
    if (earlier + 8 < tile) break;
    for (const Sealed& sealed : around(earlier).sealed) {
      if (sealed.index < leaf.index) lost.previous = sealed.key;
    }
  }
  const Neighbourhood& place = around(tile);
  const auto next = std::ranges::find_if(place.sealed, [&](const Sealed& each) { return each.index > leaf.index; });
  lost.next = next != place.sealed.end() ? std::optional(next->key) : place.end;
  lost.candidates = candidates(place, lost);
  return lost;
}

// The numbers between its neighbours that the ledger says were given and no entry bears.
std::vector<EntryKey> Surroundings::candidates(const Neighbourhood& place, const LostLeaf& leaf) const {
  std::set<EntryKey> taken;
  for (const Sealed& sealed : place.sealed) taken.insert(sealed.key);
  const EntryKey end = leaf.next.value_or(last_key);
  std::vector<EntryKey> free;
  for (const LedgerBatch& batch : place.batches) {
    EntryKey key{.transaction_id = batch.transaction_id, .id = batch.first_id};
    EntryKey last{.transaction_id = batch.transaction_id, .id = batch.last_id};
    if (leaf.previous && key <= *leaf.previous) key.id = after(leaf.previous->id);
    if (last >= end) last.id = before(end.id);
    if ((leaf.previous && key <= *leaf.previous) || last >= end) continue;
    // Each of them is taken or free, so this ends soon, however many the batch says it has.
    for (; key <= last && free.size() < candidates_max; ++key.id) {
      if (!taken.contains(key)) free.push_back(key);
      if (key == last) break;
    }
  }
  return free;
}

bool Surroundings::may_be_of(std::uint64_t begin, std::uint64_t end, const RetiredRange& month) {
  // Leaves stand in the order of transactions, which is that of time but for what a transaction takes.
  constexpr std::int64_t hour = std::int64_t{3'600} * 1'000'000;
  std::optional<std::int64_t> before;
  std::optional<std::int64_t> after;
  for (const Sealed& sealed : around((begin == 0 ? 0 : begin - 1) / tile_width).sealed) {
    if (sealed.index < begin) before = sealed.at;
  }
  for (const Sealed& sealed : around(end / tile_width).sealed) {
    if (sealed.index >= end && !after) after = sealed.at;
  }
  return (!before || *before < month.to + hour) && (!after || *after >= month.from - hour);
}

std::optional<Suspect> Surroundings::of_entry(const HashedEntry& entry) {
  Suspect suspect{.key = entry.key, .leaf = {}};
  for (std::string& leaf : reader_.leaves_with_id(entry.key.id)) {
    const auto parsed = parse_leaf(leaf);
    if (parsed && hash_(*parsed) == entry.hash) suspect.leaf = std::move(leaf);
  }
  if (suspect.leaf.empty()) return std::nullopt;
  const auto tile = reader_.tile_of(entry.key);
  if (!tile) return suspect;
  suspect.before = std::min((*tile + 1) * tile_width, size_);
  for (const Sealed& sealed : around(*tile).sealed) {
    if (sealed.key > entry.key) {
      suspect.before = sealed.index;
      break;
    }
  }
  return suspect;
}

std::vector<Finding> diagnose(LogReader& reader, const std::vector<LeafHash>& leaves,
                              const std::vector<HashedEntry>& entries, std::uint64_t size) {
  Surroundings surroundings(reader, size);
  Differences differences{.lost = {}, .suspects = {}, .size = size, .tail = size};
  for (std::size_t i = leaves.size(); i > 0 && leaves[i - 1].index + 1 == differences.tail; --i) --differences.tail;
  for (std::size_t i = 0; i < leaves.size() && i < differences_looked_into; ++i)
    differences.lost.push_back(surroundings.of_leaf(leaves[i]));
  for (std::size_t i = 0; i < entries.size() && i < differences_looked_into; ++i) {
    if (auto suspect = surroundings.of_entry(entries[i])) differences.suspects.push_back(*std::move(suspect));
  }
  return diagnose(std::move(differences));
}

}  // namespace tenon::audit
