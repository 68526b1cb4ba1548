#include "audit/tile.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <stdexcept>

namespace tenon::audit {
namespace {

constexpr std::size_t hash_bytes = sizeof(Hash);

std::span<const std::uint8_t> bytes_of(std::string_view hashes) {
  return {reinterpret_cast<const std::uint8_t*>(hashes.data()), hashes.size()};
}

std::string name_of(TileId id) { return std::to_string(id.level) + "/" + std::to_string(id.index); }

// A perfect tree over leaves [index << level, (index + 1) << level).
struct Subtree {
  unsigned level;
  std::uint64_t index;

  [[nodiscard]] unsigned height_in_tile() const noexcept { return level % tile_height; }
  [[nodiscard]] std::uint64_t first_in_row() const noexcept { return index << height_in_tile(); }
  [[nodiscard]] TileId tile() const noexcept { return {level / tile_height, first_in_row() / tile_width}; }
  [[nodiscard]] std::size_t first_in_tile() const noexcept { return first_in_row() % tile_width; }
  [[nodiscard]] std::size_t count_in_tile() const noexcept { return std::size_t{1} << height_in_tile(); }
};

// The perfect trees that a range is made of, from left to right: the largest first.
std::vector<Subtree> subtrees_of(LeafRange range) {
  std::vector<Subtree> subtrees;
  for (std::uint64_t begin = range.begin; begin < range.end;) {
    const std::uint64_t leaves = std::bit_floor(range.end - begin);
    if (begin % leaves != 0) throw std::logic_error("the range is no subtree");
    const auto level = static_cast<unsigned>(std::countr_zero(leaves));
    subtrees.push_back({level, begin >> level});
    begin += leaves;
  }
  return subtrees;
}

Hash root_of_subtree(Hasher& hasher, const Subtree& subtree, const TileLookup& tiles) {
  const std::string_view hashes = tiles(subtree.tile());
  const std::size_t end = subtree.first_in_tile() + subtree.count_in_tile();
  if (hashes.size() < end * hash_bytes) {
    throw std::runtime_error("tile " + name_of(subtree.tile()) + " has " + std::to_string(hashes.size() / hash_bytes) +
                             " hashes where " + std::to_string(end) + " are needed");
  }
  return hasher.perfect(
      bytes_of(hashes.substr(subtree.first_in_tile() * hash_bytes, subtree.count_in_tile() * hash_bytes)));
}

Hash root_of_range(Hasher& hasher, LeafRange range, const TileLookup& tiles) {
  const std::vector<Subtree> subtrees = subtrees_of(range);
  Hash root = root_of_subtree(hasher, subtrees.back(), tiles);
  for (std::size_t i = subtrees.size() - 1; i-- > 0;)
    root = hasher.node(root_of_subtree(hasher, subtrees[i], tiles), root);
  return root;
}

}  // namespace

std::uint64_t hashes_at(unsigned level, std::uint64_t size) noexcept {
  return level >= tile_levels_max ? 0 : size >> (tile_height * level);
}

std::uint64_t width_of(TileId id, std::uint64_t size) noexcept {
  const std::uint64_t first = id.index * tile_width;
  const std::uint64_t hashes = hashes_at(id.level, size);
  return hashes <= first ? 0 : std::min(hashes - first, tile_width);
}

std::string path_of(TileId id, std::uint64_t width) {
  const auto element = [](std::uint64_t number) {
    const std::string digits = std::to_string(number % 1000);
    return std::string(3 - digits.size(), '0') + digits;
  };
  std::string index = element(id.index);
  for (std::uint64_t rest = id.index / 1000; rest > 0; rest /= 1000) index = "x" + element(rest) + "/" + index;
  std::string path = "tile/" + std::to_string(id.level) + "/" + index;
  if (width < tile_width) path += ".p/" + std::to_string(width);
  return path;
}

std::vector<TileId> edge_of(std::uint64_t size) {
  std::vector<TileId> edge;
  for (unsigned level = 0; hashes_at(level, size) > 0; ++level) {
    const std::uint64_t hashes = hashes_at(level, size);
    if (hashes % tile_width != 0) edge.push_back({level, hashes / tile_width});
  }
  return edge;
}

TileWriter::TileWriter(std::uint64_t size, const std::vector<Tile>& edge) : size_(size) {
  for (const TileId id : edge_of(size)) {
    const auto tile = std::ranges::find(edge, id, &Tile::id);
    const std::size_t bytes = width_of(id, size) * hash_bytes;
    if (tile == edge.end() || tile->hashes.size() < bytes)
      throw std::runtime_error("the tree of " + std::to_string(size) + " leaves lacks tile " + name_of(id));
    edge_.resize(id.level + 1);
    edge_[id.level].hashes = tile->hashes.substr(0, bytes);
  }
}

TileId TileWriter::current(unsigned level) const noexcept { return {level, hashes_at(level, size_) / tile_width}; }

void TileWriter::append(const Hash& leaf) {
  std::string_view hash = as_text(leaf);
  Hash carried;
  for (unsigned level = 0;; ++level) {
    if (edge_.size() == level) edge_.emplace_back();
    Edge& edge = edge_[level];
    edge.hashes += hash;
    edge.grown = true;
    if (edge.hashes.size() < tile_width * hash_bytes) break;
    carried = hasher_.perfect(bytes_of(edge.hashes));
    finished_.push_back({current(level), std::move(edge.hashes)});
    edge = {};
    hash = as_text(carried);
  }
  ++size_;
}

Hash TileWriter::root() {
  std::optional<Hash> root;
  for (const Edge& edge : edge_) {
    for (std::size_t end = edge.hashes.size() / hash_bytes; end > 0;) {
      const std::size_t count = end & (~end + 1);  // the smallest perfect tree that ends here
      end -= count;
      const Hash left =
          hasher_.perfect(bytes_of(std::string_view(edge.hashes).substr(end * hash_bytes, count * hash_bytes)));
      root = root ? hasher_.node(left, *root) : left;
    }
  }
  return root.value_or(empty_root());
}

std::vector<Tile> TileWriter::changed() const {
  std::vector<Tile> tiles = finished_;
  for (unsigned level = 0; level < edge_.size(); ++level) {
    if (edge_[level].grown) tiles.push_back({current(level), edge_[level].hashes});
  }
  return tiles;
}

void TileWriter::clear_changed() {
  finished_.clear();
  for (Edge& edge : edge_) edge.grown = false;
}

std::vector<TileId> tiles_of(const std::vector<LeafRange>& ranges) {
  std::set<TileId> tiles;
  for (const LeafRange range : ranges) {
    for (const Subtree& subtree : subtrees_of(range)) tiles.insert(subtree.tile());
  }
  return {tiles.begin(), tiles.end()};
}

std::vector<Hash> hashes_of(Hasher& hasher, const std::vector<LeafRange>& ranges, const TileLookup& tiles) {
  std::vector<Hash> hashes;
  hashes.reserve(ranges.size());
  for (const LeafRange range : ranges) hashes.push_back(root_of_range(hasher, range, tiles));
  return hashes;
}

Hash root_of(Hasher& hasher, std::uint64_t size, const TileLookup& tiles) {
  return size == 0 ? empty_root() : root_of_range(hasher, {0, size}, tiles);
}

std::vector<TileId> tiles_of_root(std::uint64_t size) { return tiles_of({{0, size}}); }

}  // namespace tenon::audit
