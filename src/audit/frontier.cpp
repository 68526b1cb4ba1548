#include "audit/frontier.hpp"

#include <bit>
#include <stdexcept>

namespace tenon::audit {

Frontier::Frontier(Hasher& hasher, std::uint64_t size, const TileLookup& tiles) : hasher_(hasher) {
  while (size_ < size) {
    const std::uint64_t leaves = std::bit_floor(size - size_);
    append(hashes_of(hasher, {{size_, size_ + leaves}}, tiles).front(),
           static_cast<unsigned>(std::countr_zero(leaves)));
  }
}

void Frontier::append(const Hash& root, unsigned level) {
  const std::uint64_t leaves = std::uint64_t{1} << level;
  if (size_ % leaves != 0) throw std::logic_error("a subtree begins at a multiple of its size");
  size_ += leaves;
  Perfect grown{.level = level, .root = root};
  while (!edge_.empty() && edge_.back().level == grown.level) {
    grown = {.level = grown.level + 1, .root = hasher_.node(edge_.back().root, grown.root)};
    edge_.pop_back();
  }
  edge_.push_back(grown);
}

Hash Frontier::root() const {
  if (edge_.empty()) return empty_root();
  Hash root = edge_.back().root;
  for (std::size_t i = edge_.size() - 1; i-- > 0;) root = hasher_.node(edge_[i].root, root);
  return root;
}

}  // namespace tenon::audit
