// An inclusion proof as a file that can be checked offline (C2SP tlog-proof). No I/O.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "audit/checkpoint.hpp"
#include "audit/leaf.hpp"

namespace tenon::audit {

struct Proof {
  std::string leaf;  // the entry's canonical bytes: the file's `extra` line
  std::uint64_t index = 0;
  std::vector<Hash> hashes = {};
  std::string note = {};  // the signed checkpoint

  [[nodiscard]] std::string text() const;
  // At most 16 MiB. The error says what is wrong.
  [[nodiscard]] static std::expected<Proof, std::string> parse(std::string_view text);
};

// Does the proof show that its leaf stands in the log of that key? The checkpoint, or why not.
[[nodiscard]] std::expected<Checkpoint, std::string> check(Hasher& hasher, const Proof& proof,
                                                           const NoteVerifier& verifier);

}  // namespace tenon::audit
