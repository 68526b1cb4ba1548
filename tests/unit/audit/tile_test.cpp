#include "audit/tile.hpp"

#include <gtest/gtest.h>

#include "unit/audit/reference_tree.hpp"

namespace tenon::audit {
namespace {

// Where a sealer would put them: a row per tile, replaced when it has grown.
struct Store {
  std::map<TileId, std::string> tiles;
  void keep(TileWriter& writer) {
    for (const Tile& tile : writer.changed()) {
      ASSERT_TRUE(tile.hashes.starts_with(tiles[tile.id])) << "a tile's first hashes never change";
      tiles[tile.id] = tile.hashes;
    }
    writer.clear_changed();
  }
  [[nodiscard]] TileLookup lookup() const {
    return [this](TileId id) -> std::string_view {
      const auto found = tiles.find(id);
      return found == tiles.end() ? std::string_view() : std::string_view(found->second);
    };
  }
  [[nodiscard]] std::vector<Tile> edge(std::uint64_t size) const {
    std::vector<Tile> edge;
    for (const TileId id : edge_of(size)) edge.push_back({id, tiles.at(id)});
    return edge;
  }
};

TEST(Tile, HasThePathsOfTheSpecification) {
  EXPECT_EQ(path_of({0, 1234067}, 256), "tile/0/x001/x234/067");
  EXPECT_EQ(path_of({0, 0}, 1), "tile/0/000.p/1");
  EXPECT_EQ(path_of({1, 999}, 255), "tile/1/999.p/255");
  EXPECT_EQ(path_of({2, 1000}, 256), "tile/2/x001/000");
}

TEST(Tile, ATreeOf70000LeavesHasTheTilesOfTheSpecificationsExample) {
  EXPECT_EQ(width_of({0, 272}, 70'000), 256U);
  EXPECT_EQ(width_of({0, 273}, 70'000), 112U);
  EXPECT_EQ(width_of({0, 274}, 70'000), 0U);
  EXPECT_EQ(width_of({1, 0}, 70'000), 256U);
  EXPECT_EQ(width_of({1, 1}, 70'000), 17U);
  EXPECT_EQ(width_of({2, 0}, 70'000), 1U);
  EXPECT_EQ(edge_of(70'000), (std::vector<TileId>{{0, 273}, {1, 1}, {2, 0}}));
  EXPECT_EQ(edge_of(256), (std::vector<TileId>{{1, 0}}));
  EXPECT_EQ(edge_of(0), std::vector<TileId>{});
}

TEST(Tile, TheSizesAtTheEndOfTheNumbersDoNotOverflow) {
  EXPECT_EQ(hashes_at(7, ~std::uint64_t{0}), 255U);
  EXPECT_EQ(hashes_at(8, ~std::uint64_t{0}), 0U);
  EXPECT_EQ(edge_of(~std::uint64_t{0}).size(), 8U);
}

TEST(Tile, TheReferenceTreeGrowsToItsPublishedRoots) {
  Hasher hasher;
  TileWriter writer;
  EXPECT_EQ(writer.root(), empty_root());
  for (std::size_t size = 1; size <= 8; ++size) {
    writer.append(hasher.leaf(reference::ct_leaves()[size - 1]));
    EXPECT_EQ(writer.root(), reference::hash_of_hex(reference::ct_roots[size - 1]));
  }
}

// Grown by steps of many sizes, each step by a writer that knows the right edge alone, as after a takeover.
TEST(Tile, AWriterGoesOnFromTheEdgeAndProofsComeOutOfTheTiles) {
  Hasher hasher;
  const std::vector<std::string> all = reference::leaves(1100);
  Store store;
  std::vector<std::size_t> sizes;
  for (std::size_t size = 0, step = 1; size < all.size(); step = step * 3 % 157) {
    TileWriter writer(size, store.edge(size));
    const std::size_t next = std::min(all.size(), size + step);
    for (; size < next; ++size) writer.append(hasher.leaf(all[size]));
    ASSERT_EQ(writer.size(), size);
    ASSERT_EQ(writer.root(), reference::root(reference::Leaves(all).first(size))) << size;
    store.keep(writer);
    sizes.push_back(size);
  }
  for (const std::size_t size : sizes) {
    const Hash root = root_of(hasher, size, store.lookup());
    ASSERT_EQ(root, reference::root(reference::Leaves(all).first(size))) << "the past stays readable";
    for (const std::size_t index : {std::size_t{0}, size / 3, size / 2, size - 1}) {
      const auto proof = hashes_of(hasher, inclusion_ranges(index, size), store.lookup());
      EXPECT_TRUE(verify_inclusion(hasher, index, size, hasher.leaf(all[index]), proof, root)) << index << "/" << size;
    }
    for (const std::size_t from : sizes) {
      if (from > size) break;
      const auto proof = hashes_of(hasher, consistency_ranges(from, size), store.lookup());
      EXPECT_TRUE(
          verify_consistency(hasher, from, size, reference::root(reference::Leaves(all).first(from)), root, proof));
    }
  }
}

TEST(Tile, ATileAboveHoldsTheRootsOfWholeTilesBelow) {
  Hasher hasher;
  const std::vector<std::string> all = reference::leaves(600);
  TileWriter writer;
  for (const std::string& leaf : all) writer.append(hasher.leaf(leaf));
  Store store;
  store.keep(writer);
  EXPECT_TRUE(writer.changed().empty());
  ASSERT_EQ(store.tiles.size(), 4U);
  const Hash second = reference::root(reference::Leaves(all).subspan(256, 256));
  EXPECT_EQ(store.tiles[TileId(1, 0)].substr(32, 32), as_text(second));
  EXPECT_EQ(store.tiles[TileId(0, 2)].size(), 32U * (600 - 512));
}

TEST(Tile, AMissingOrShortTileIsNamed) {
  Hasher hasher;
  EXPECT_THROW(TileWriter(3, {}), std::runtime_error);
  EXPECT_THROW(TileWriter(3, {{{0, 0}, std::string(64, 'x')}}), std::runtime_error);
  const TileLookup nothing = [](TileId) { return std::string_view(); };
  try {
    (void)root_of(hasher, 300, nothing);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "tile 0/1 has 0 hashes where 44 are needed");
  }
}

TEST(Tile, AProofInABigTreeTakesFewTiles) {
  const std::uint64_t size = 100'000'000;
  EXPECT_LE(tiles_of(inclusion_ranges(12'345'678, size)).size(), 2U * 4);
  EXPECT_LE(tiles_of(consistency_ranges(12'345'678, size)).size(), 2U * 4);
  EXPECT_LE(tiles_of_root(size).size(), 4U);
}

}  // namespace
}  // namespace tenon::audit
