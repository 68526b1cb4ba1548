#include "audit/checkpoint.hpp"

#include <charconv>

#include "audit/base64.hpp"

namespace tenon::audit {
namespace {

std::expected<std::uint64_t, std::string> parse_size(std::string_view text) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size() || std::to_string(size) != text)
    return std::unexpected("the checkpoint's second line is no size");
  return size;
}

}  // namespace

std::string Checkpoint::text() const {
  std::string text = origin + "\n" + std::to_string(size) + "\n" + base64(as_text(root)) + "\n";
  for (const std::string& line : extensions) text += line + "\n";
  return text;
}

std::expected<Checkpoint, std::string> Checkpoint::parse(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || end == 0) return std::unexpected("a checkpoint is lines that are not empty");
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  if (lines.size() < 3) return std::unexpected("a checkpoint has an origin, a size and a root");
  const auto size = parse_size(lines[1]);
  if (!size) return std::unexpected(size.error());
  const auto root = base64_hash(lines[2]);
  if (!root) return std::unexpected("the checkpoint's third line is no hash");
  return Checkpoint{
      .origin = std::string(lines[0]), .size = *size, .root = *root, .extensions = {lines.begin() + 3, lines.end()}};
}

std::expected<Checkpoint, std::string> open_checkpoint(const NoteVerifier& verifier, std::string_view note) {
  const auto text = verifier.open(note);
  if (!text) return std::unexpected(text.error());
  auto checkpoint = Checkpoint::parse(*text);
  if (checkpoint && checkpoint->origin != verifier.id().name)
    return std::unexpected("it is of another log, " + checkpoint->origin);
  return checkpoint;
}

}  // namespace tenon::audit
