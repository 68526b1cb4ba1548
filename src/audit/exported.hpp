// Entries as JSON Lines: what `tenon audit export` writes, and what a verification takes in their stead once their
// partition was detached. docs/formats/audit-log.md describes a line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

#include "audit/leaf.hpp"

namespace tenon::audit {

// One line, without its break.
[[nodiscard]] std::string export_line(const Entry& entry, std::optional<std::uint64_t> leaf);

struct ExportedEntry {
  std::string bytes;  // the leaf's canonical bytes
  std::optional<std::uint64_t> leaf = {};
};
// Nothing when it is no such line.
[[nodiscard]] std::optional<ExportedEntry> parse_export_line(std::string_view line);

// A file of them, from its begin. Lines stand in the order of leaves.
class ExportedFile {
 public:
  explicit ExportedFile(const std::filesystem::path& file);  // throws std::runtime_error when it cannot be read
  // The next entry; or that whose leaf is below `end`. Throws std::runtime_error, naming the line, for one that cannot
  // be read.
  [[nodiscard]] std::optional<ExportedEntry> next() { return next_below(std::numeric_limits<std::uint64_t>::max()); }
  [[nodiscard]] std::optional<ExportedEntry> next_below(std::uint64_t end);

 private:
  std::filesystem::path path_;
  std::ifstream file_;
  std::uint64_t line_ = 0;
  std::optional<ExportedEntry> read_;
};

}  // namespace tenon::audit
