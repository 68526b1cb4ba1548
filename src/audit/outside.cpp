#include "audit/outside.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "audit/base64.hpp"

namespace tenon::audit {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t line_bytes_max = 64 * 1024;
constexpr std::string_view file_prefix = "checkpoint-";

// Nothing when the line is longer than any checkpoint; it is then read to its end.
std::optional<std::string> read_line(std::ifstream& file) {
  std::string line;
  char character = 0;
  while (file.get(character) && character != '\n') {
    if (line.size() <= line_bytes_max) line.push_back(character);
  }
  if (!file || line.size() > line_bytes_max) return std::nullopt;
  return line;
}

}  // namespace

Outside::Outside(const fs::path& place) : place_(place) {
  std::error_code error;
  if (!fs::is_directory(place, error)) {
    lines_.open(place, std::ios::binary);
    if (!lines_) throw std::runtime_error("cannot read the checkpoints at " + place.string());
    return;
  }
  for (const auto& entry : fs::directory_iterator(place, error)) {
    if (entry.path().filename().string().starts_with(file_prefix)) files_.push_back(entry.path());
  }
  if (error) throw std::runtime_error("cannot read the folder " + place.string() + ": " + error.message());
  std::ranges::sort(files_, std::greater());  // sizes have leading zeroes
  if (const fs::path newest = place / "checkpoint"; fs::exists(newest, error)) files_.insert(files_.begin(), newest);
}

std::optional<Published> Outside::next() { return lines_.is_open() ? next_line() : next_file(); }

std::optional<Published> Outside::next_line() {
  while (lines_.peek() != std::ifstream::traits_type::eof()) {
    const auto line = read_line(lines_);
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
    std::ifstream file(path, std::ios::binary);
    std::string note(line_bytes_max, '\0');
    file.read(note.data(), static_cast<std::streamsize>(note.size()));
    note.resize(static_cast<std::size_t>(file.gcount()));
    if (!note.empty()) return Published{.note = std::move(note), .place = path.string()};
    ++torn_;
  }
  return std::nullopt;
}

}  // namespace tenon::audit
