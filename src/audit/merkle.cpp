#include "audit/merkle.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>
#include <stdexcept>

namespace tenon::audit {
namespace {

constexpr std::uint8_t leaf_prefix = 0;
constexpr std::uint8_t node_prefix = 1;

// The largest power of two below `size`, which is at least 2: where RFC 6962 splits a tree.
std::uint64_t split_of(std::uint64_t size) { return std::bit_floor(size - 1); }

void require(bool done) {
  if (!done) throw std::runtime_error("OpenSSL cannot compute SHA-256");
}

}  // namespace

Hasher::Hasher() : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), state_(EVP_MD_CTX_new()) {
  require(algorithm_ != nullptr);
  if (state_ == nullptr) throw std::bad_alloc();
  require(EVP_DigestInit_ex2(state_.get(), algorithm_.get(), nullptr) == 1);
}

Hash Hasher::plain(std::string_view bytes) {
  Hash hash;
  require(EVP_DigestInit_ex2(state_.get(), nullptr, nullptr) == 1 &&
          EVP_DigestUpdate(state_.get(), bytes.data(), bytes.size()) == 1 &&
          EVP_DigestFinal_ex(state_.get(), hash.data(), nullptr) == 1);
  return hash;
}

Hash Hasher::leaf(std::string_view data) {
  Hash hash;
  require(EVP_DigestInit_ex2(state_.get(), nullptr, nullptr) == 1 &&
          EVP_DigestUpdate(state_.get(), &leaf_prefix, 1) == 1 &&
          EVP_DigestUpdate(state_.get(), data.data(), data.size()) == 1 &&
          EVP_DigestFinal_ex(state_.get(), hash.data(), nullptr) == 1);
  return hash;
}

Hash Hasher::node(const Hash& left, const Hash& right) {
  std::array<std::uint8_t, 1 + 2 * sizeof(Hash)> bytes;
  bytes[0] = node_prefix;
  std::ranges::copy(left, bytes.begin() + 1);
  std::ranges::copy(right, bytes.begin() + 1 + sizeof(Hash));
  return plain(as_text(bytes));
}

Hash Hasher::perfect(std::span<const std::uint8_t> children) {
  std::size_t count = children.size() / sizeof(Hash);
  if (count == 0 || !std::has_single_bit(count) || children.size() % sizeof(Hash) != 0) {
    throw std::logic_error("a perfect tree has 1, 2, 4, ... leaves");
  }
  row_.resize(count);
  std::memcpy(row_.data(), children.data(), children.size());
  for (; count > 1; count /= 2) {
    for (std::size_t i = 0; i < count / 2; ++i) row_[i] = node(row_[2 * i], row_[2 * i + 1]);
  }
  return row_[0];
}

const Hash& empty_root() noexcept {
  static const Hash root = sha256({});
  return root;
}

std::vector<LeafRange> inclusion_ranges(std::uint64_t index, std::uint64_t size) {
  if (index >= size) throw std::logic_error("the leaf is not in the tree");
  std::vector<LeafRange> ranges;
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + split_of(end - begin);
    if (index < middle) {
      ranges.push_back({middle, end});
      end = middle;
    } else {
      ranges.push_back({begin, middle});
      begin = middle;
    }
  }
  std::ranges::reverse(ranges);
  return ranges;
}

std::vector<LeafRange> consistency_ranges(std::uint64_t from, std::uint64_t to) {
  if (from == 0 || from > to) throw std::logic_error("no consistency proof leads from there to there");
  std::vector<LeafRange> ranges;
  std::uint64_t begin = 0;
  std::uint64_t end = to;
  while (from != end) {
    const std::uint64_t middle = begin + split_of(end - begin);
    if (from <= middle) {
      ranges.push_back({middle, end});
      end = middle;
    } else {
      ranges.push_back({begin, middle});
      begin = middle;
    }
  }
  // The smaller tree's own root is known to whoever asks; a part of it is not.
  if (begin != 0) ranges.push_back({begin, end});
  std::ranges::reverse(ranges);
  return ranges;
}

std::optional<Hash> root_of_inclusion(Hasher& hasher, std::uint64_t index, std::uint64_t size, const Hash& leaf,
                                      std::span<const Hash> proof) {
  if (index >= size) return std::nullopt;
  std::uint64_t node = index;
  std::uint64_t last = size - 1;
  Hash root = leaf;
  for (const Hash& sibling : proof) {
    if (last == 0) return std::nullopt;
    if ((node & 1) != 0 || node == last) {
      root = hasher.node(sibling, root);
      // A node without a sibling on its level is carried up unhashed.
      const int carried = std::countr_zero(node);
      node >>= carried;
      last >>= carried;
    } else {
      root = hasher.node(root, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  if (last != 0) return std::nullopt;
  return root;
}

bool verify_inclusion(Hasher& hasher, std::uint64_t index, std::uint64_t size, const Hash& leaf,
                      std::span<const Hash> proof, const Hash& root) {
  return root_of_inclusion(hasher, index, size, leaf, proof) == root;
}

bool verify_consistency(Hasher& hasher, std::uint64_t from, std::uint64_t to, const Hash& from_root,
                        const Hash& to_root, std::span<const Hash> proof) {
  if (from > to) return false;
  if (from == to) return proof.empty() && from_root == to_root;
  if (from == 0) return proof.empty() && from_root == empty_root();
  if (proof.empty()) return false;

  // A perfect smaller tree is itself the first hash, which the proof then leaves out.
  const bool perfect = std::has_single_bit(from);
  const Hash& seed = perfect ? from_root : proof.front();
  if (!perfect) proof = proof.subspan(1);
  std::uint64_t node = from - 1;
  std::uint64_t last = to - 1;
  const int carried = std::countr_one(node);
  node >>= carried;
  last >>= carried;
  Hash smaller = seed;
  Hash larger = seed;
  for (const Hash& sibling : proof) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      smaller = hasher.node(sibling, smaller);
      larger = hasher.node(sibling, larger);
      const int up = std::countr_zero(node);
      node >>= up;
      last >>= up;
    } else {
      larger = hasher.node(larger, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && smaller == from_root && larger == to_root;
}

}  // namespace tenon::audit
