#include "audit/prover.hpp"

#include <stdexcept>

#include "audit/base64.hpp"

namespace tenon::audit {
namespace {

struct Sealed {
  Checkpoint checkpoint;
  std::string note;
  EntryKey last;
};

std::expected<Sealed, std::string> stored(LogReader& reader, const NoteVerifier& key,
                                          std::optional<std::uint64_t> size) {
  const auto found = size ? reader.checkpoint_at(*size) : reader.newest_checkpoint();
  if (!found) {
    return std::unexpected(size ? "there is no checkpoint of size " + std::to_string(*size)
                                : std::string("nothing is sealed yet"));
  }
  const auto checkpoint = open_checkpoint(key, found->note);
  if (!checkpoint) return std::unexpected("the stored checkpoint: " + checkpoint.error());
  return Sealed{.checkpoint = *checkpoint, .note = found->note, .last = found->last};
}

constexpr const char* not_as_signed = "the stored tree is not what was signed: verify the log";

// Nothing when one is missing.
std::optional<std::vector<Hash>> stored_hashes(LogReader& reader, Hasher& hasher,
                                               const std::vector<LeafRange>& ranges) {
  const auto tiles = reader.tiles(tiles_of(ranges));
  try {
    return hashes_of(hasher, ranges, [&tiles](TileId id) {
      const auto tile = tiles.find(id);
      return tile == tiles.end() ? std::string_view() : std::string_view(tile->second);
    });
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<std::uint64_t> index_in_tile(std::uint64_t tile, std::string_view hashes, const Hash& leaf) {
  for (std::size_t at = 0; at + sizeof(Hash) <= hashes.size(); at += sizeof(Hash)) {
    if (hashes.substr(at, sizeof(Hash)) == as_text(leaf)) return tile * tile_width + at / sizeof(Hash);
  }
  return std::nullopt;
}

std::expected<Proof, std::string> prove(LogReader& reader, const NoteVerifier& key, std::int64_t id,
                                        std::optional<std::uint64_t> size) {
  const std::vector<std::string> leaves = reader.leaves_with_id(id);
  const std::string name = "entry " + std::to_string(id);
  if (leaves.empty()) return std::unexpected("there is no " + name);
  const auto sealed = stored(reader, key, size);
  if (!sealed) return std::unexpected(sealed.error());
  Hasher hasher;
  const EntryKey entry = key_of(*parse_leaf(leaves.front()));
  if (entry > sealed->last) return std::unexpected(name + " is not sealed yet");
  const auto tile = reader.tile_of(entry);
  const auto hashes = tile ? reader.leaf_tiles(*tile, 1) : std::vector<LeafTile>();
  const Hash leaf = hasher.leaf(leaves.front());
  const auto index = hashes.empty() ? std::nullopt : index_in_tile(*tile, hashes.front().hashes, leaf);
  if (!index || *index >= sealed->checkpoint.size)
    return std::unexpected(name + " is not as it was sealed: verify the log");
  auto path = stored_hashes(reader, hasher, inclusion_ranges(*index, sealed->checkpoint.size));
  if (!path) return std::unexpected(not_as_signed);
  Proof proof{.leaf = leaves.front(), .index = *index, .hashes = *std::move(path), .note = sealed->note};
  if (const auto holds = check(hasher, proof, key); !holds) return std::unexpected(not_as_signed);
  return proof;
}

std::expected<std::string, std::string> prove_consistency(LogReader& reader, const NoteVerifier& key,
                                                          std::uint64_t from, std::optional<std::uint64_t> to) {
  const auto sealed = stored(reader, key, to);
  if (!sealed) return std::unexpected(sealed.error());
  const std::uint64_t size = sealed->checkpoint.size;
  if (from > size)
    return std::unexpected("a tree of " + std::to_string(size) + " leaves does not begin with one of " +
                           std::to_string(from));
  Hasher hasher;
  const auto hashes = stored_hashes(
      reader, hasher, from == 0 || from == size ? std::vector<LeafRange>() : consistency_ranges(from, size));
  const std::optional<std::vector<Hash>> earlier =
      from == 0 ? std::vector{empty_root()} : stored_hashes(reader, hasher, {{0, from}});
  if (!hashes || !earlier ||
      !verify_consistency(hasher, from, size, earlier->front(), sealed->checkpoint.root, *hashes))
    return std::unexpected(not_as_signed);
  std::string text = "old " + std::to_string(from) + "\n";
  for (const Hash& hash : *hashes) text += base64(as_text(hash)) + "\n";
  return text + "\n" + sealed->note;
}

std::expected<std::string, std::string> signed_checkpoint(LogReader& reader, const NoteVerifier& key,
                                                          std::optional<std::uint64_t> size) {
  auto sealed = stored(reader, key, size);
  if (!sealed) return std::unexpected(sealed.error());
  return std::move(sealed->note);
}

}  // namespace tenon::audit
