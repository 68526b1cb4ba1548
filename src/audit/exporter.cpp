#include "audit/exporter.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

#include "audit/exported.hpp"
#include "audit/retirement.hpp"
#include "audit/tile.hpp"

namespace tenon::audit {
namespace {

constexpr std::uint64_t tiles_at_once = 64;
constexpr std::size_t batches_max = 10 * tiles_at_once * tile_width;

// The ids that the ledger gives to entries of these keys, roughly.
IdRange ids_between(LogReader& reader, EntryKey first, EntryKey last) {
  IdRange ids{.first = first.id, .last = first.id};
  for (const LedgerBatch& batch : reader.batches(first.transaction_id, last.transaction_id, batches_max)) {
    ids.first = std::min(ids.first, batch.first_id);
    ids.last = std::max(ids.last, batch.last_id);
  }
  return ids;
}

// Of leaves without an entry, those in tiles that a detached month reaches into.
void count_missing(LogReader& reader, const Retirement& retirement, const std::vector<LeafTile>& tiles, EntryKey last,
                   const std::map<std::string_view, std::uint64_t>& leaves, Exported& exported) {
  for (std::size_t n = 0; n < tiles.size() && n < tiles_at_once; ++n) {
    const auto missing = static_cast<std::uint64_t>(std::ranges::count_if(
        leaves, [tile = tiles[n].index](const auto& leaf) { return leaf.second / tile_width == tile; }));
    if (missing == 0) continue;
    const bool gone = retirement.of_tile(reader, tiles, n, last) != Entries::here;
    (gone ? exported.retired : exported.missing) += missing;
  }
}

}  // namespace

bool ExportFilter::passes(const Entry& entry) const {
  return (!entity || *entity == entry.entity_id) && (!actor || *actor == entry.actor) &&
         (!action || *action == entry.action) && (!from || entry.at >= *from) && (!to || entry.at < *to);
}

Exported export_entries(LogReader& reader, const ExportFilter& filter, std::uint64_t begin,
                        const std::function<void(const std::string& line)>& write,
                        const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) {
  const auto newest = reader.newest_checkpoint();
  Exported exported{.end = newest ? newest->size : 0};
  const std::vector<RetiredRange> ranges = reader.retired();
  const Retirement retirement(ranges);
  LeafHasher hash;
  for (std::uint64_t tile = begin / tile_width; tile * tile_width < exported.end; tile += tiles_at_once) {
    const std::vector<LeafTile> tiles = reader.leaf_tiles(tile, tiles_at_once + 1);
    std::map<std::string_view, std::uint64_t> leaves;
    for (std::size_t i = 0; i < tiles.size() && i < tiles_at_once; ++i) {
      for (std::size_t at = 0; at + sizeof(Hash) <= tiles[i].hashes.size(); at += sizeof(Hash)) {
        const std::uint64_t leaf = tiles[i].index * tile_width + at / sizeof(Hash);
        if (leaf < exported.end) leaves.emplace(std::string_view(tiles[i].hashes).substr(at, sizeof(Hash)), leaf);
      }
    }
    const EntryKey first = tiles.empty() ? EntryKey() : tiles.front().first.value_or(EntryKey());
    const bool more = tiles.size() > tiles_at_once && tiles.back().first;
    const EntryKey last = more ? *tiles.back().first : newest->last;
    std::map<std::uint64_t, std::string> lines;
    reader.entries(ids_between(reader, first, last), [&](const Entry& entry) {
      const EntryKey key = key_of(entry);
      if (key < first || (more ? key >= last : key > last)) return;
      const auto leaf = leaves.find(as_text(hash(entry)));
      if (leaf == leaves.end()) {
        ++exported.unsealed;
        return;
      }
      if (leaf->second >= begin && filter.passes(entry))
        lines.emplace(leaf->second, export_line(entry, leaf->second) + "\n");
      leaves.erase(leaf);
    });
    std::erase_if(leaves, [begin](const auto& leaf) { return leaf.second < begin; });
    count_missing(reader, retirement, tiles, newest->last, leaves, exported);
    for (const auto& [leaf, line] : lines) write(line);
    exported.lines += lines.size();
    progress(std::min(exported.end, (tile + tiles_at_once) * tile_width) - begin, exported.end - begin);
  }
  if (ranges != reader.retired()) throw std::runtime_error("a month was detached meanwhile: export again");
  if (!retirement.explains(exported.retired, begin == 0)) exported.missing += std::exchange(exported.retired, 0);
  return exported;
}

}  // namespace tenon::audit
