#include "audit/outside.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "audit/base64.hpp"
#include "audit/note.hpp"

namespace tenon::audit {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t line_bytes_max = 64 * 1024;
constexpr std::string_view file_prefix = "checkpoint-";

std::string read_note(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string note(line_bytes_max, '\0');
  file.read(note.data(), static_cast<std::streamsize>(note.size()));
  note.resize(static_cast<std::size_t>(file.gcount()));
  return note;
}

}  // namespace

Outside::Outside(const fs::path& place) : place_(place) {
  std::error_code error;
  if (!fs::is_directory(place, error)) {
    lines_.open(place, std::ios::binary);
    if (!lines_) throw std::runtime_error("cannot read the checkpoints at " + place.string());
    bytes_left_ = fs::file_size(place, error);  // of a pipe: all there will ever be
    if (bytes_left_ > line_bytes_max) return;
    if (std::string whole = read_note(place); is_signed_note(whole)) {
      lines_.close();
      newest_ = Published{.note = std::move(whole), .place = place.string()};
    }
    return;
  }
  for (const auto& entry : fs::directory_iterator(place, error)) {
    if (entry.path().filename().string().starts_with(file_prefix)) files_.push_back(entry.path());
  }
  if (error) throw std::runtime_error("cannot read the folder " + place.string() + ": " + error.message());
  std::ranges::sort(files_, std::greater());  // sizes have leading zeroes
  if (const fs::path newest = place / "checkpoint"; fs::exists(newest, error))
    newest_ = Published{.note = read_note(newest), .place = newest.string()};
}

std::optional<Published> Outside::next() { return lines_.is_open() ? next_line() : next_file(); }

// Nothing when the line is longer than any checkpoint, or has no end; it is then read as far as it goes.
std::optional<std::string> Outside::read_line() {
  std::string line;
  char character = 0;
  bool ended = false;
  for (; !ended && bytes_left_ > 0 && lines_.get(character); --bytes_left_) {
    ended = character == '\n';
    if (!ended && line.size() <= line_bytes_max) line.push_back(character);
  }
  if (!ended || line.size() > line_bytes_max) return std::nullopt;
  return line;
}

std::optional<Published> Outside::next_line() {
  while (bytes_left_ > 0 && lines_.peek() != std::ifstream::traits_type::eof()) {
    const auto line = read_line();
    ++line_;
    const std::size_t space = line ? line->find(' ') : std::string::npos;
    auto note = space == std::string::npos ? std::nullopt : base64_decode(std::string_view(*line).substr(space + 1));
    if (note) return Published{.note = *std::move(note), .place = place_.string() + ", line " + std::to_string(line_)};
    ++torn_;
  }
  return std::nullopt;
}

std::optional<Published> Outside::next_file() {
  while (!files_.empty()) {
    const fs::path path = files_.back();
    files_.pop_back();
    std::string note = read_note(path);
    if (!note.empty()) return Published{.note = std::move(note), .place = path.string()};
    ++torn_;
  }
  auto newest = std::exchange(newest_, std::nullopt);
  if (newest && newest->note.empty()) {
    ++torn_;
    return std::nullopt;
  }
  return newest;
}

}  // namespace tenon::audit
