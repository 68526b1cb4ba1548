#include "audit/chunk.hpp"

#include <algorithm>

namespace tenon::audit {
namespace {

// One thread's part.
class ChunkLoader {
 public:
  explicit ChunkLoader(const ChunkPlan& plan) : plan_(plan), reader_(plan.conninfo) {}

  Chunk load(std::uint64_t number) {
    Chunk chunk{.first_tile = plan_.first_tile() + number * plan_.tiles_per_chunk};
    load_tiles(chunk);
    load_checkpoints(chunk);
    load_entries(chunk, number);
    return chunk;
  }

 private:
  void load_tiles(Chunk& chunk) {
    std::uint64_t count = 0;
    while (count < plan_.tiles_per_chunk && width_of({0, chunk.first_tile + count}, plan_.size) > 0) ++count;
    chunk.tiles.resize(count);
    std::vector<LeafTile> tiles = reader_.leaf_tiles(chunk.first_tile, count + 1);
    for (std::size_t n = 0; n < tiles.size() && tiles[n].index - chunk.first_tile < count; ++n) {
      chunk.tiles[tiles[n].index - chunk.first_tile].entries = plan_.retired.of_tile(reader_, tiles, n, plan_.last);
    }
    for (LeafTile& tile : tiles) {
      const std::uint64_t position = tile.index - chunk.first_tile;
      if (position >= count) continue;
      // The last tile may have grown since the checkpoint.
      tile.hashes.resize(std::min(tile.hashes.size(), width_of({0, tile.index}, plan_.size) * sizeof(Hash)));
      if (tile.hashes.size() == tile_width * sizeof(Hash)) {
        chunk.tiles[position].root =
            hasher_.perfect({reinterpret_cast<const std::uint8_t*>(tile.hashes.data()), tile.hashes.size()});
      }
      chunk.tiles[position].hashes = std::move(tile.hashes);
    }
  }

  void load_checkpoints(Chunk& chunk) {
    const std::uint64_t begin = std::max(plan_.from, chunk.first_tile * tile_width);
    const std::uint64_t end = std::min(plan_.size, (chunk.first_tile + chunk.tiles.size()) * tile_width);
    for (const StoredCheckpoint& stored : reader_.checkpoints(begin + 1, end)) {
      chunk.checkpoints.push_back(check_stored(*plan_.key, stored));
    }
  }

  void load_entries(Chunk& chunk, std::uint64_t number) {
    IdRange ids;
    if (number > 0) ids.first = plan_.borders[number];
    if (number + 1 < plan_.chunk_count()) {
      const std::int64_t next = plan_.borders[number + 1];
      if (next == std::numeric_limits<std::int64_t>::min()) return;  // no tile says more: the last chunk has them all
      ids.last = next - 1;
    }
    if (number == 0 && plan_.after) ids.first = plan_.borders.front();
    if (ids.first > ids.last) return;
    chunk.entries.reserve(chunk.tiles.size() * tile_width);
    reader_.entries(ids, [&](const Entry& entry) {
      const EntryKey key = key_of(entry);
      if (plan_.after && key <= *plan_.after) return;
      if (key > plan_.last) {
        ++chunk.unsealed;
        chunk.lowest_unsealed_id = std::min(chunk.lowest_unsealed_id, entry.id);
      } else {
        chunk.too_many = chunk.entries.size() >= plan_.entries_max;
        if (chunk.too_many) return;
        if (plan_.retired.covers(entry)) ++chunk.of_retired;
        chunk.entries.push_back({.hash = hash_(entry), .key = key});
      }
    });
    if (!std::ranges::is_sorted(chunk.entries, {}, &HashedEntry::key))
      std::ranges::sort(chunk.entries, {}, &HashedEntry::key);
  }

  const ChunkPlan& plan_;
  LogReader reader_;
  Hasher hasher_;
  LeafHasher hash_;
};

}  // namespace

CheckedCheckpoint check_stored(const NoteVerifier& key, const StoredCheckpoint& stored) {
  CheckedCheckpoint checked{.size = stored.size};
  const auto opened = open_checkpoint(key, stored.note);
  if (!opened) {
    checked.error = opened.error();
  } else if (opened->size != stored.size) {
    checked.error = "its note is of size " + std::to_string(opened->size);
  } else {
    checked.root = opened->root;
  }
  return checked;
}

std::uint64_t ChunkPlan::chunk_count() const noexcept {
  const std::uint64_t end_tile = (size + tile_width - 1) / tile_width;
  return std::max<std::uint64_t>(1, (end_tile - first_tile() + tiles_per_chunk - 1) / tiles_per_chunk);
}

// They only say which ids are read together: should they be wrong, everything is still read once.
void plan_borders(LogReader& reader, ChunkPlan& plan) {
  plan.borders.assign(plan.chunk_count(), std::numeric_limits<std::int64_t>::min());
  const auto keys = reader.first_keys(plan.first_tile(), plan.tiles_per_chunk);
  for (std::size_t i = 1; i < plan.borders.size(); ++i) {
    plan.borders[i] = std::max(plan.borders[i - 1], i < keys.size() && keys[i] ? keys[i]->id : plan.borders[i - 1]);
  }
  if (plan.after) {
    const auto lowest = reader.lowest_id_after(*plan.after);
    plan.borders[0] = std::min(lowest.value_or(std::numeric_limits<std::int64_t>::max()), plan.after->id);
    for (std::size_t i = 1; i < plan.borders.size(); ++i) plan.borders[i] = std::max(plan.borders[i], plan.borders[0]);
  }
}

ChunkReader::ChunkReader(const ChunkPlan& plan, unsigned threads) : plan_(plan), ahead_(threads + 1) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

ChunkReader::~ChunkReader() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

std::optional<std::uint64_t> ChunkReader::claim() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || failed_ || claimed_ < taken_ + ahead_; });
  if (stopping_ || failed_ || claimed_ == plan_.chunk_count()) return std::nullopt;
  return claimed_++;
}

void ChunkReader::run() {
  try {
    std::optional<ChunkLoader> loader;
    while (const auto number = claim()) {
      if (!loader) loader.emplace(plan_);
      Chunk chunk = loader->load(*number);
      const std::lock_guard guard(mutex_);
      ready_.emplace(*number, std::move(chunk));
      changed_.notify_all();
    }
  } catch (...) {
    const std::lock_guard guard(mutex_);
    failed_ = std::current_exception();
    changed_.notify_all();
  }
}

std::optional<Chunk> ChunkReader::next() {
  std::unique_lock lock(mutex_);
  if (taken_ == plan_.chunk_count()) return std::nullopt;
  changed_.wait(lock, [this] { return failed_ || ready_.contains(taken_); });
  if (failed_) std::rethrow_exception(failed_);
  Chunk chunk = std::move(ready_.extract(taken_).mapped());
  ++taken_;
  changed_.notify_all();
  return chunk;
}

}  // namespace tenon::audit
