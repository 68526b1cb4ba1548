// Audit logs made up by the superuser, past every trigger, and sealed by hand: as many entries as a test wants, at
// once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audit/checkpoint.hpp"
#include "audit/log_reader.hpp"
#include "audit/note.hpp"

namespace tenon::test {

// What a sealer knows. `conninfo` is the superuser's.
class HandMadeLog {
 public:
  explicit HandMadeLog(std::string conninfo, std::uint64_t seed = 1);

  // Appends entries of transactions of one to a few entries each; in every tenth pair of transactions the later one has
  // the earlier ids. Returns their keys, in the order of leaves. Each id is 37 ms after the one before it, from
  // `epoch`.
  std::vector<audit::EntryKey> append(std::uint64_t entries, const std::string& epoch = "2025-12-31 22:30");
  // Seals all there are, in `rounds` rounds: tiles, checkpoints stored, and lines as a node publishes them.
  void seal(unsigned rounds = 1);

  // Instead of the two above, once: a tree of that many leaves in which every `step`-th is an entry, and the others are
  // hashes of nothing that is there. Returns the entries' ids.
  std::vector<std::int64_t> seal_sparsely(std::uint64_t leaves, std::uint64_t step);

  [[nodiscard]] const audit::NoteSigner& signer() const noexcept { return signer_; }
  [[nodiscard]] const std::vector<audit::EntryKey>& keys() const noexcept { return keys_; }
  [[nodiscard]] const std::string& published() const noexcept { return published_; }  // the outside file's content
  [[nodiscard]] const std::vector<std::uint64_t>& sizes() const noexcept { return sizes_; }  // of checkpoints

 private:
  std::string conninfo_;
  std::uint64_t random_;
  audit::NoteSigner signer_;
  std::uint64_t transactions_ = 0;
  std::vector<audit::EntryKey> keys_;
  std::string published_;
  std::vector<std::uint64_t> sizes_;
};

// Throws away tree and stored checkpoints and makes them anew from the rows, as somebody would who changed these:
// checkpoints of the sizes given, signed by that key.
void rebuild_tree(const std::string& conninfo, const audit::NoteSigner& signer,
                  const std::vector<std::uint64_t>& sizes);

// A line of the outside file.
[[nodiscard]] std::string published_line(const audit::Checkpoint& checkpoint, const audit::NoteSigner& signer);

}  // namespace tenon::test
