// Up to where a log was verified: what an incremental verification goes on from. Kept outside the database.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "audit/leaf.hpp"

namespace tenon::audit {

struct VerifiedState {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  EntryKey last = {};  // of the last leaf
  bool operator==(const VerifiedState&) const = default;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] static std::optional<VerifiedState> parse(std::string_view text);
};

// Nothing when there is no such file. Throws std::runtime_error when it cannot be read, or says something else.
[[nodiscard]] std::optional<VerifiedState> read_state(const std::filesystem::path& file);
// Replaces the file as a whole, durably. Throws std::runtime_error.
void write_state(const std::filesystem::path& file, const VerifiedState& state);

}  // namespace tenon::audit
