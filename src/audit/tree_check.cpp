#include "audit/tree_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace tenon::audit {
namespace {

constexpr std::uint64_t tiles_at_once = 256;

using Tiles = std::map<TileId, std::string>;

TileLookup lookup_in(const Tiles& tiles) {
  return [&tiles](TileId id) {
    const auto tile = tiles.find(id);
    return tile == tiles.end() ? std::string_view() : std::string_view(tile->second);
  };
}

Hash hash_at(std::string_view hashes, std::size_t byte) {
  Hash hash;
  std::ranges::copy(hashes.substr(byte, sizeof(Hash)), hash.begin());
  return hash;
}

}  // namespace

std::string_view hashes_from(const Chunk& chunk, std::size_t tile, std::uint64_t first) {
  const std::string_view hashes = chunk.tiles[tile].hashes;
  const std::uint64_t skipped = first - (chunk.first_tile + tile) * tile_width;
  return hashes.substr(std::min<std::size_t>(hashes.size(), skipped * sizeof(Hash)));
}

TreeCheck::TreeCheck(LogReader& reader, std::uint64_t size)
    : reader_(reader), end_(size), tree_(std::in_place, hasher_) {}

std::optional<Finding> TreeCheck::go_on_from(const VerifiedState& since) {
  std::vector<TileId> needed = since.size == 0 ? std::vector<TileId>() : tiles_of_root(since.size);
  for (const TileId id : edge_of(since.size / tile_width)) needed.push_back({.level = id.level + 1, .index = id.index});
  const Tiles tiles = reader_.tiles(needed);
  std::vector<Tile> edge;
  for (const auto& [id, hashes] : tiles) {
    if (id.level > 0) edge.push_back({.id = {.level = id.level - 1, .index = id.index}, .hashes = hashes});
  }
  try {
    tree_.emplace(hasher_, since.size, lookup_in(tiles));
    above_ = TileWriter(since.size / tile_width, edge);
  } catch (const std::runtime_error& missing) {
    return Finding{.kind = FindingKind::tile_changed,
                   .message = std::string("what was verified earlier is no longer there: ") + missing.what()};
  }
  if (tree_->root() != since.root) {
    return Finding{
        .kind = FindingKind::rebuilt_tree,
        .message = fmt::format("the tree was rebuilt: its first {} leaves do not have the root any more that "
                               "they had when they were verified",
                               since.size),
        .leaf = 0};
  }
  good_until_ = since.size;
  return std::nullopt;
}

void TreeCheck::follow(const Chunk& chunk, const std::vector<Target>& targets) {
  auto target = targets.begin();
  const auto compare_here = [&] {
    for (; target != targets.end() && target->size == tree_->size(); ++target) compare(*target, tree_->root());
  };
  compare_here();
  for (std::size_t i = 0; i < chunk.tiles.size() && !missing_from_; ++i) {
    const std::uint64_t begin = (chunk.first_tile + i) * tile_width;
    const std::uint64_t end = std::min(end_, begin + tile_width);
    const std::string_view hashes = hashes_from(chunk, i, tree_->size());
    if (const std::uint64_t there = tree_->size() + hashes.size() / sizeof(Hash); there != end) {
      missing_from_ = there;
      findings_.push_back({.kind = FindingKind::tile_changed,
                           .message = fmt::format("the tree's hashes of leaves {} to {} are missing", there, end - 1),
                           .leaf = there});
      return;
    }
    const auto& root = chunk.tiles[i].root;
    if (root && tree_->size() == begin && (target == targets.end() || target->size >= end)) {
      tree_->append(*root, tile_height);
    } else {
      append_tile(hashes, target, targets.end());
    }
    compare_here();
    if (root) above_.append(*root);
  }
  constexpr std::uint64_t leaves_kept = 65'536;
  if (above_.size() % leaves_kept < chunk.tiles.size()) compare_tiles_above();
}

void TreeCheck::append_tile(std::string_view hashes, std::vector<Target>::const_iterator& target,
                            std::vector<Target>::const_iterator end) {
  for (std::size_t at = 0; at < hashes.size(); at += sizeof(Hash)) {
    tree_->append(hash_at(hashes, at));
    for (; target != end && target->size == tree_->size(); ++target) compare(*target, tree_->root());
  }
}

void TreeCheck::compare_passed(const Target& target) {
  if (target.size == 0) return compare(target, empty_root());
  const Tiles tiles = reader_.tiles(tiles_of_root(target.size));
  try {
    compare(target, root_of(hasher_, target.size, lookup_in(tiles)));
  } catch (const std::runtime_error& missing) {
    findings_.push_back({.kind = FindingKind::tile_changed, .message = missing.what(), .leaf = target.size - 1});
  }
}

void TreeCheck::compare(const Target& target, const Hash& root) {
  if (target.root != root) {
    if (!bad_ || target.size < bad_->size) bad_ = target;
  } else if (!bad_) {
    good_until_ = std::max(good_until_, target.size);
  }
}

void TreeCheck::finish() {
  if (!missing_from_) compare_tiles_above();
  // Where a checkpoint tells that leaf hashes were changed, the tiles above are those that were not.
  if (bad_) std::erase_if(findings_, [](const Finding& finding) { return !finding.message.contains("missing"); });
}

// Proofs are made of them.
void TreeCheck::compare_tiles_above() {
  for (const Tile& tile : above_.changed()) {
    const TileId id{.level = tile.id.level + 1, .index = tile.id.index};
    const std::vector<Tile> stored = reader_.tiles(id.level, id.index, 1);
    if (!stored.empty() && stored.front().hashes.starts_with(tile.hashes)) continue;
    findings_.push_back(
        {.kind = FindingKind::tile_changed,
         .message = fmt::format("the stored tile {} is not made of the leaves below it", path_of(id, tile_width)),
         .leaf = id.index << (tile_height * (id.level + 1))});
  }
  above_.clear_changed();
}

bool TreeCheck::agrees_with(const Target& target, const std::map<std::uint64_t, Hash>& instead) {
  Frontier tree(hasher_);
  while (tree.size() < target.size) {
    const auto tiles = reader_.leaf_tiles(tree.size() / tile_width, tiles_at_once);
    const std::uint64_t before = tree.size();
    for (const LeafTile& tile : tiles) {
      for (std::size_t at = 0; at + sizeof(Hash) <= tile.hashes.size() && tree.size() < target.size;
           at += sizeof(Hash)) {
        const auto found = instead.find(tree.size());
        tree.append(found == instead.end() ? hash_at(tile.hashes, at) : found->second);
      }
    }
    if (tree.size() == before) return false;
  }
  return tree.root() == target.root;
}

}  // namespace tenon::audit
