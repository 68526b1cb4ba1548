// Checkpoints (C2SP tlog-checkpoint): what a signed note says of a log at one size. No I/O.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "audit/merkle.hpp"
#include "audit/note.hpp"

namespace tenon::audit {

struct Checkpoint {
  std::string origin;  // which log: our keys' name
  std::uint64_t size = 0;
  Hash root{};
  std::vector<std::string> extensions = {};  // further lines, not empty; kept, without a meaning for us
  bool operator==(const Checkpoint&) const = default;

  [[nodiscard]] std::string text() const;  // what is signed
  [[nodiscard]] static std::expected<Checkpoint, std::string> parse(std::string_view text);
};

// A checkpoint out of its note: signed by that key, of the log that is named as the key is. The error says why not.
[[nodiscard]] std::expected<Checkpoint, std::string> open_checkpoint(const NoteVerifier& verifier,
                                                                     std::string_view note);

}  // namespace tenon::audit
