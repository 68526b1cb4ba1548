// A tree kept as tiles (C2SP tlog-tiles): rows of up to 256 hashes, which never change but for the last one of each
// level, which grows. No I/O: who stores them is another's business.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "audit/merkle.hpp"

namespace tenon::audit {

inline constexpr unsigned tile_height = 8;
inline constexpr std::uint64_t tile_width = 256;
inline constexpr unsigned tile_levels_max = 8;  // 256^8 leaves: as many as a size can count

// The tile's hash number k stands for the 256^level leaves that begin with leaf (index * 256 + k) * 256^level.
struct TileId {
  unsigned level = 0;
  std::uint64_t index = 0;
  auto operator<=>(const TileId&) const = default;
};

struct Tile {
  TileId id;
  std::string hashes;  // 32 bytes each; fewer than 256 while the tile is partial
};

// How many hashes of this level a tree of `size` leaves has.
[[nodiscard]] std::uint64_t hashes_at(unsigned level, std::uint64_t size) noexcept;
// How many of them are in this tile: 0 to 256.
[[nodiscard]] std::uint64_t width_of(TileId id, std::uint64_t size) noexcept;
// The path by which tlog-tiles serves it, "tile/0/x001/x234/067.p/8"; `width` 256 for a whole tile.
[[nodiscard]] std::string path_of(TileId id, std::uint64_t width);
// The partial tile of each level (from 0 on, as far as there is one) in a tree of `size` leaves: what a TileWriter
// needs.
[[nodiscard]] std::vector<TileId> edge_of(std::uint64_t size);

// Appends leaves to a tree of which only the right edge is known. Memory: the edge, and what was not cleared yet.
class TileWriter {
 public:
  TileWriter() = default;
  // A tree of `size` leaves whose partial tiles are those of `edge`; a tile may hold more hashes than the tree has:
  // those beyond it are ignored. Throws std::runtime_error when one is missing or too short.
  TileWriter(std::uint64_t size, const std::vector<Tile>& edge);

  void append(const Hash& leaf);
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] Hash root();  // up to 255 hashes a level

  // Every tile that has another content than at the last clear, whole, the partial ones included.
  [[nodiscard]] std::vector<Tile> changed() const;
  void clear_changed();

 private:
  struct Edge {
    std::string hashes;
    bool grown = false;
  };
  [[nodiscard]] TileId current(unsigned level) const noexcept;

  Hasher hasher_;
  std::uint64_t size_ = 0;
  std::vector<Edge> edge_;
  std::vector<Tile> finished_;
};

// The hashes of a tile, at least as many as were asked for; views live while a proof is made.
using TileLookup = std::function<std::string_view(TileId)>;

// The tiles from which hashes_of() takes the hashes of `ranges`, each once, in order. Ranges as those of merkle.hpp:
// each a subtree of some tree. A proof in a tree of n leaves needs at most 2 tiles a level.
[[nodiscard]] std::vector<TileId> tiles_of(const std::vector<LeafRange>& ranges);
// The root over each range. Throws std::runtime_error, naming the tile, when one is too short.
[[nodiscard]] std::vector<Hash> hashes_of(Hasher& hasher, const std::vector<LeafRange>& ranges,
                                          const TileLookup& tiles);
// The root of the tree's first `size` leaves, and the tiles it takes.
[[nodiscard]] Hash root_of(Hasher& hasher, std::uint64_t size, const TileLookup& tiles);
[[nodiscard]] std::vector<TileId> tiles_of_root(std::uint64_t size);

}  // namespace tenon::audit
