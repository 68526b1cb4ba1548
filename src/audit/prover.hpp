// Proofs out of a database. Blocking; they are checked before they are handed out.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "audit/log_reader.hpp"
#include "audit/proof.hpp"

namespace tenon::audit {

// Where a leaf hash stands in a level-0 tile's hashes, counted from the log's begin.
[[nodiscard]] std::optional<std::uint64_t> index_in_tile(std::uint64_t tile, std::string_view hashes, const Hash& leaf);

// That the entry stands in the tree of the newest checkpoint (or of the stored one of that size). The error says why
// not: no such entry, not sealed yet, not as it was sealed.
[[nodiscard]] std::expected<Proof, std::string> prove(LogReader& reader, const NoteVerifier& key, std::int64_t id,
                                                      std::optional<std::uint64_t> size = {});

// That the tree of `to` leaves (that of a stored checkpoint; nothing: the newest) begins with the one of `from` leaves:
// "old FROM", the hashes, an empty line and the checkpoint, as C2SP's tlog-witness takes it.
[[nodiscard]] std::expected<std::string, std::string> prove_consistency(LogReader& reader, const NoteVerifier& key,
                                                                        std::uint64_t from,
                                                                        std::optional<std::uint64_t> to);

// The newest stored checkpoint, or the one of that size, once its signature was checked: the note.
[[nodiscard]] std::expected<std::string, std::string> signed_checkpoint(LogReader& reader, const NoteVerifier& key,
                                                                        std::optional<std::uint64_t> size);

}  // namespace tenon::audit
