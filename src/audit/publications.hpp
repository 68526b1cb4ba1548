// All checkpoints that a key has signed and that are published when this is made, from any number of places, in step
// with a walk along the log.
#pragma once

#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "audit/outside.hpp"
#include "audit/tree_check.hpp"

namespace tenon::audit {

class Publications {
 public:
  // Throws std::runtime_error when a place cannot be read.
  Publications(const std::vector<std::filesystem::path>& places, NoteVerifier key);

  // Those of sizes up to `end`, but for ones that stand behind a larger one in their place: these come later.
  [[nodiscard]] std::vector<Target> take_until(std::uint64_t end);
  // The largest of all that are left.
  [[nodiscard]] std::optional<Target> take_largest();

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }  // taken up to now
  [[nodiscard]] std::uint64_t torn() const noexcept { return torn_; }    // that were no checkpoint signed by the key
  // Of these the first that is a note: where, and why not. Empty: there is none.
  [[nodiscard]] const std::string& first_strange() const noexcept { return first_strange_; }

 private:
  struct Source {
    Outside outside;
    std::optional<Target> next = {};
    std::uint64_t torn_before = 0;
  };
  void advance(Source& source);

  NoteVerifier key_;
  std::deque<Source> sources_;
  std::uint64_t count_ = 0;
  std::uint64_t torn_ = 0;
  std::string first_strange_;
};

// How far the log must reach for what is published there now: the largest size, if the key has signed it.
[[nodiscard]] std::uint64_t largest_published(const std::vector<std::filesystem::path>& places,
                                              const NoteVerifier& key);

}  // namespace tenon::audit
