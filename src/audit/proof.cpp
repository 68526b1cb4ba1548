#include "audit/proof.hpp"

#include <charconv>
#include <optional>

#include "audit/base64.hpp"

namespace tenon::audit {
namespace {

constexpr std::string_view first_line = "c2sp.org/tlog-proof@v1";
constexpr std::size_t proof_bytes_max = 16 * 1024 * 1024;
constexpr std::size_t hashes_max = 64;

// The next line without its break, taken off the front; nothing when there is no whole line left.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

// What follows `word` and a space on the next line.
std::optional<std::string_view> take_field(std::string_view& text, std::string_view word) {
  const auto line = take_line(text);
  if (!line || !line->starts_with(word) || line->size() <= word.size() || (*line)[word.size()] != ' ')
    return std::nullopt;
  return line->substr(word.size() + 1);
}

}  // namespace

std::string Proof::text() const {
  std::string text = std::string(first_line) + "\nextra " + base64(leaf) + "\nindex " + std::to_string(index) + "\n";
  for (const Hash& hash : hashes) text += base64(as_text(hash)) + "\n";
  return text + "\n" + note;
}

std::expected<Proof, std::string> Proof::parse(std::string_view text) {
  if (text.size() > proof_bytes_max) return std::unexpected("the proof is too long");
  if (take_line(text) != first_line) return std::unexpected("a proof begins with " + std::string(first_line));
  const auto extra = take_field(text, "extra");
  auto leaf = extra ? base64_decode(*extra) : std::nullopt;
  if (!leaf) return std::unexpected("the proof's second line is not the entry");
  const auto index = take_field(text, "index").value_or(std::string_view());
  Proof proof{.leaf = *std::move(leaf)};
  const auto [end, error] = std::from_chars(index.data(), index.data() + index.size(), proof.index);
  if (error != std::errc() || end != index.data() + index.size() || std::to_string(proof.index) != index)
    return std::unexpected("the proof's third line is not the entry's index");
  for (;;) {
    const auto line = take_line(text);
    if (!line || proof.hashes.size() > hashes_max) return std::unexpected("the proof ends before its checkpoint");
    if (line->empty()) break;
    const auto hash = base64_hash(*line);
    if (!hash) return std::unexpected("a line of the proof is no hash");
    proof.hashes.push_back(*hash);
  }
  proof.note = text;
  return proof;
}

std::expected<Checkpoint, std::string> check(Hasher& hasher, const Proof& proof, const NoteVerifier& verifier) {
  auto checkpoint = open_checkpoint(verifier, proof.note);
  if (!checkpoint) return std::unexpected("the proof's checkpoint: " + checkpoint.error());
  if (!verify_inclusion(hasher, proof.index, checkpoint->size, hasher.leaf(proof.leaf), proof.hashes, checkpoint->root))
    return std::unexpected("the hashes do not lead from the entry to the checkpoint's root");
  return checkpoint;
}

}  // namespace tenon::audit
