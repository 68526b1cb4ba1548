// The stored tree against the checkpoints that were signed of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/chunk.hpp"
#include "audit/frontier.hpp"
#include "audit/report.hpp"
#include "audit/verified_state.hpp"

namespace tenon::audit {

// A signed checkpoint that the tree has to agree with.
struct Target {
  std::uint64_t size = 0;
  Hash root{};
  std::string place;  // where it was found
};

class TreeCheck {
 public:
  TreeCheck(LogReader& reader, std::uint64_t size);  // which outlives it; `size`: of the tree

  // Goes on from what was verified earlier, of which the right edge alone is looked at; what is wrong with it.
  [[nodiscard]] std::optional<Finding> go_on_from(const VerifiedState& since);

  // The next leaves, and all targets of sizes from size() to the chunk's end, by size.
  void follow(const Chunk& chunk, const std::vector<Target>& targets);
  // A checkpoint of a size that was passed already: by the tiles as they are stored.
  void compare_passed(const Target& target);
  void finish();  // after the last leaf

  [[nodiscard]] std::uint64_t size() const noexcept { return tree_->size(); }
  [[nodiscard]] Hash root() const { return tree_->root(); }

  [[nodiscard]] std::uint64_t good_until() const noexcept {
    return good_until_;
  }  // the largest that agreed before `bad`
  [[nodiscard]] const std::optional<Target>& bad() const noexcept { return bad_; }  // the smallest that disagrees
  [[nodiscard]] std::optional<std::uint64_t> missing_from() const noexcept { return missing_from_; }
  // Of hashes that are missing, and of tiles that are not made of those below them.
  [[nodiscard]] const std::vector<Finding>& findings() const noexcept { return findings_; }

  // Would the tree have the target's root with these hashes in the place of its own?
  [[nodiscard]] bool agrees_with(const Target& target, const std::map<std::uint64_t, Hash>& instead);

 private:
  void compare(const Target& target, const Hash& root);
  void append_tile(std::string_view hashes, std::vector<Target>::const_iterator& target,
                   std::vector<Target>::const_iterator end);
  void compare_tiles_above();

  LogReader& reader_;
  std::uint64_t end_;
  Hasher hasher_;
  std::optional<Frontier> tree_;
  TileWriter above_;  // of whole level-0 tiles: its levels are the tree's, one lower
  std::uint64_t good_until_ = 0;
  std::optional<Target> bad_;
  std::optional<std::uint64_t> missing_from_;
  std::vector<Finding> findings_;
};

// The leaf hashes of a chunk's tile from leaf `first` on, which is in it.
[[nodiscard]] std::string_view hashes_from(const Chunk& chunk, std::size_t tile, std::uint64_t first);

}  // namespace tenon::audit
