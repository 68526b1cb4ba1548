#include "audit/merkle.hpp"

#include <gtest/gtest.h>

#include "unit/audit/reference_tree.hpp"

namespace tenon::audit {
namespace {

using reference::ct_leaves;
using reference::ct_roots;
using reference::hash_of_hex;

std::vector<Hash> hashes(std::initializer_list<std::string_view> texts) {
  std::vector<Hash> all;
  for (const std::string_view text : texts) all.push_back(hash_of_hex(text));
  return all;
}

// Certificate Transparency's known proofs; indices count from 0.
struct KnownInclusion {
  std::uint64_t index;
  std::uint64_t size;
  std::vector<Hash> proof;
};
const KnownInclusion known_inclusions[] = {
    {0, 1, {}},
    {0, 8,
     hashes({"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
             "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"})},
    {5, 8,
     hashes({"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
             "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
             "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"})},
    {2, 3, hashes({"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"})},
    {1, 5,
     hashes({"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
             "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"})},
};

struct KnownConsistency {
  std::uint64_t from;
  std::uint64_t to;
  std::vector<Hash> proof;
};
const KnownConsistency known_consistencies[] = {
    {1, 1, {}},
    {1, 8,
     hashes({"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
             "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"})},
    {6, 8,
     hashes({"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
             "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
             "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"})},
    {2, 5,
     hashes({"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"})},
    {6, 7,
     hashes({"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
             "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
             "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"})},
};

Hash ct_root(std::uint64_t size) { return hash_of_hex(ct_roots[size - 1]); }

TEST(Merkle, TheReferenceItselfHasThePublishedRoots) {
  for (std::size_t size = 1; size <= 8; ++size)
    EXPECT_EQ(reference::root(reference::Leaves(ct_leaves()).first(size)), ct_root(size)) << size;
}

TEST(Merkle, TheEmptyTreesRootIsTheHashOfNothing) {
  EXPECT_EQ(hex(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Merkle, LeavesAndNodesAreHashedApart) {
  Hasher hasher;
  EXPECT_EQ(hasher.leaf(""), ct_root(1));
  EXPECT_EQ(hasher.node(hasher.leaf(""), hasher.leaf(ct_leaves()[1])), ct_root(2));
  const Hash left = hasher.leaf("a");
  EXPECT_NE(hasher.node(left, left), hasher.leaf(std::string(as_text(left)) + std::string(as_text(left))));
}

TEST(Merkle, PublishedInclusionProofsVerifyAndNothingCloseToThemDoes) {
  Hasher hasher;
  for (const auto& [index, size, proof] : known_inclusions) {
    const Hash leaf = hasher.leaf(ct_leaves()[index]);
    const Hash root = ct_root(size);
    const auto holds = [&](std::uint64_t i, std::uint64_t n, const Hash& l, const std::vector<Hash>& p, const Hash& r) {
      return verify_inclusion(hasher, i, n, l, p, r);
    };
    EXPECT_TRUE(holds(index, size, leaf, proof, root)) << index << " of " << size;
    EXPECT_FALSE(holds(index, size, leaf, proof, empty_root()));
    EXPECT_FALSE(holds(index, size, hasher.leaf("other"), proof, root));
    std::vector<Hash> longer = proof;
    longer.push_back(root);
    EXPECT_FALSE(holds(index, size, leaf, longer, root));
    longer.pop_back();
    longer.insert(longer.begin(), root);
    EXPECT_FALSE(holds(index, size, leaf, longer, root));
    if (proof.empty()) continue;
    for (const std::uint64_t wrong : {index - 1, index + 1, index ^ 2})
      EXPECT_FALSE(holds(wrong, size, leaf, proof, root));
    for (const std::uint64_t wrong : {size / 2, size * 2}) EXPECT_FALSE(holds(index, wrong, leaf, proof, root));
    EXPECT_FALSE(holds(index, size, leaf, {proof.begin(), proof.end() - 1}, root));
    for (std::size_t i = 0; i < proof.size(); ++i) {
      std::vector<Hash> bent = proof;
      bent[i][0] ^= 8;
      EXPECT_FALSE(holds(index, size, leaf, bent, root));
    }
  }
}

TEST(Merkle, AnIndexOutsideTheTreeIsInNoTree) {
  Hasher hasher;
  const Hash leaf = hasher.leaf("data");
  EXPECT_FALSE(root_of_inclusion(hasher, 0, 0, leaf, {}));
  EXPECT_FALSE(root_of_inclusion(hasher, 1, 0, leaf, {}));
  EXPECT_FALSE(root_of_inclusion(hasher, 2, 1, leaf, {}));
  EXPECT_THROW((void)inclusion_ranges(3, 3), std::logic_error);
}

TEST(Merkle, PublishedConsistencyProofsVerifyAndNothingCloseToThemDoes) {
  Hasher hasher;
  for (const auto& [from, to, proof] : known_consistencies) {
    const Hash first = ct_root(from);
    const Hash second = ct_root(to);
    EXPECT_TRUE(verify_consistency(hasher, from, to, first, second, proof)) << from << " to " << to;
    std::vector<Hash> longer = proof;
    longer.push_back(second);
    EXPECT_FALSE(verify_consistency(hasher, from, to, first, second, longer));
    if (proof.empty()) continue;
    EXPECT_FALSE(verify_consistency(hasher, from, to, second, first, proof));
    EXPECT_FALSE(verify_consistency(hasher, from, to, first, second, {}));
    for (const std::uint64_t wrong : {from - 1, from + 1, from ^ 2})
      EXPECT_FALSE(verify_consistency(hasher, wrong, to, first, second, proof)) << from << " as " << wrong;
    for (const std::uint64_t wrong : {to * 2, to / 2})
      EXPECT_FALSE(verify_consistency(hasher, from, wrong, first, second, proof));
    EXPECT_FALSE(verify_consistency(hasher, from, to, first, second, {proof.data(), proof.size() - 1}));
    for (std::size_t i = 0; i < proof.size(); ++i) {
      std::vector<Hash> bent = proof;
      bent[i][0] ^= 16;
      EXPECT_FALSE(verify_consistency(hasher, from, to, first, second, bent));
    }
  }
}

TEST(Merkle, TheEmptyTreeIsAPrefixOfEveryTreeAndNoTreeOfASmallerOne) {
  Hasher hasher;
  const Hash root = ct_root(8);
  const std::vector<Hash> some = {root};
  EXPECT_TRUE(verify_consistency(hasher, 0, 0, empty_root(), empty_root(), {}));
  EXPECT_TRUE(verify_consistency(hasher, 0, 8, empty_root(), root, {}));
  EXPECT_FALSE(verify_consistency(hasher, 0, 8, empty_root(), root, some));
  EXPECT_FALSE(verify_consistency(hasher, 0, 8, root, root, {}));
  EXPECT_FALSE(verify_consistency(hasher, 8, 7, root, ct_root(7), {}));
  EXPECT_FALSE(verify_consistency(hasher, 8, 8, root, ct_root(7), {}));
  EXPECT_THROW((void)consistency_ranges(0, 8), std::logic_error);
}

// What the hashes stand for, against the recursion of the RFC, in every tree of up to 40 leaves.
TEST(Merkle, ProofsStandForTheRangesOfTheRfc) {
  Hasher hasher;
  const std::vector<std::string> all = reference::leaves(40);
  const auto roots_of = [&](const std::vector<LeafRange>& ranges) {
    std::vector<Hash> roots;
    for (const LeafRange range : ranges)
      roots.push_back(reference::root(reference::Leaves(all).subspan(range.begin, range.end - range.begin)));
    return roots;
  };
  for (std::size_t size = 1; size <= all.size(); ++size) {
    const reference::Leaves leaves = reference::Leaves(all).first(size);
    const Hash root = reference::root(leaves);
    for (std::size_t i = 0; i < size; ++i) {
      const std::vector<Hash> proof = roots_of(inclusion_ranges(i, size));
      EXPECT_EQ(proof, reference::path(i, leaves)) << i << " of " << size;
      EXPECT_TRUE(verify_inclusion(hasher, i, size, hasher.leaf(all[i]), proof, root));
    }
    for (std::size_t from = 1; from <= size; ++from) {
      const std::vector<Hash> proof = roots_of(consistency_ranges(from, size));
      EXPECT_EQ(proof, reference::subproof(from, leaves, true)) << from << " to " << size;
      EXPECT_TRUE(verify_consistency(hasher, from, size, reference::root(leaves.first(from)), root, proof));
    }
  }
}

}  // namespace
}  // namespace tenon::audit
