// The root of a tree that grows from the left, in the memory of its right edge.
#pragma once

#include <vector>

#include "audit/tile.hpp"

namespace tenon::audit {

class Frontier {
 public:
  explicit Frontier(Hasher& hasher) noexcept : hasher_(hasher) {}  // which outlives it
  // A tree's first `size` leaves. Throws std::runtime_error where its tiles do not reach that far.
  Frontier(Hasher& hasher, std::uint64_t size, const TileLookup& tiles);

  // The root over the next 2^level leaves; the size is a multiple of that.
  void append(const Hash& root, unsigned level = 0);
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] Hash root() const;  // as many hashes as the size has bits set

 private:
  struct Perfect {
    unsigned level;
    Hash root;
  };
  Hasher& hasher_;
  std::uint64_t size_ = 0;
  std::vector<Perfect> edge_;  // from left to right, ever smaller
};

}  // namespace tenon::audit
