// The log in pieces, as a verification reads it: several at a time, hashed where they are read.
#pragma once

#include <condition_variable>
#include <exception>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "audit/checkpoint.hpp"
#include "audit/log_reader.hpp"
#include "audit/matcher.hpp"
#include "audit/retirement.hpp"

namespace tenon::audit {

// What is read of the log.
struct ChunkPlan {
  std::string conninfo = {};
  std::optional<NoteVerifier> key = {};
  std::uint64_t from = 0;  // leaves before it are not looked at
  std::uint64_t size = 0;  // of the tree
  std::uint64_t tiles_per_chunk = 256;
  std::size_t entries_max = std::numeric_limits<std::size_t>::max();  // of a chunk
  std::optional<EntryKey> after = {};      // entries up to and with this key stand before `from`
  EntryKey last = {};                      // entries after it are not sealed
  std::vector<std::int64_t> borders = {};  // ascending: chunk n has the ids from borders[n] on, below borders[n + 1]
  Retirement retired = {};                 // leaves that have no entries, here or in exported files

  [[nodiscard]] std::uint64_t first_tile() const noexcept { return from / tile_width; }
  [[nodiscard]] std::uint64_t chunk_count() const noexcept;
};
// Reads where the chunks begin.
void plan_borders(LogReader& reader, ChunkPlan& plan);

struct CheckedCheckpoint {
  std::uint64_t size = 0;
  std::optional<Hash> root = {};  // nothing: the note is not what it should be
  std::string error = {};
};
[[nodiscard]] CheckedCheckpoint check_stored(const NoteVerifier& key, const StoredCheckpoint& stored);

struct ChunkTile {
  std::string hashes;        // as many as the tree has there; fewer: they are missing
  std::optional<Hash> root;  // of a whole tile
  Entries entries = Entries::here;
};

struct Chunk {
  std::uint64_t first_tile = 0;
  std::vector<ChunkTile> tiles = {};
  std::vector<CheckedCheckpoint> checkpoints =
      {};  // of sizes in this chunk, by size; the one at its very begin is the last chunk's
  std::vector<HashedEntry> entries = {};  // by key
  std::uint64_t unsealed = 0;
  bool too_many = false;         // more entries than plan.entries_max: the others are left out
  std::uint64_t of_retired = 0;  // entries of months that are said to be detached
  std::int64_t lowest_unsealed_id = std::numeric_limits<std::int64_t>::max();
};

// Reads chunks on threads of its own, a few ahead of who takes them. `plan` outlives it.
class ChunkReader {
 public:
  ChunkReader(const ChunkPlan& plan, unsigned threads);
  ~ChunkReader();
  ChunkReader(const ChunkReader&) = delete;
  ChunkReader& operator=(const ChunkReader&) = delete;

  // In order; nothing after the last. Throws what reading threw.
  [[nodiscard]] std::optional<Chunk> next();

 private:
  void run();
  [[nodiscard]] std::optional<std::uint64_t> claim();

  const ChunkPlan& plan_;
  std::uint64_t ahead_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t claimed_ = 0;
  std::uint64_t taken_ = 0;
  std::map<std::uint64_t, Chunk> ready_;
  std::exception_ptr failed_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace tenon::audit
