// The sealed log as JSON Lines, in the order of its leaves.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "audit/log_reader.hpp"

namespace tenon::audit {

// Entries that all of them let pass.
struct ExportFilter {
  std::optional<Uuid> entity = {};
  std::optional<std::string> actor = {};
  std::optional<std::string> action = {};
  std::optional<std::int64_t> from = {};  // microseconds since 1970, inclusive
  std::optional<std::int64_t> to = {};    // exclusive
  [[nodiscard]] bool passes(const Entry& entry) const;
};

struct Exported {
  std::uint64_t lines = 0;
  std::uint64_t end = 0;       // of the log: what an export that goes on begins with
  std::uint64_t unsealed = 0;  // entries among the sealed ones that were never sealed as they are; left out
  std::uint64_t missing = 0;   // leaves without an entry
  std::uint64_t retired = 0;   // leaves whose entries went away with detached months
};

// From leaf `begin` on, to the newest checkpoint. `line` has its break.
Exported export_entries(LogReader& reader, const ExportFilter& filter, std::uint64_t begin,
                        const std::function<void(const std::string& line)>& write,
                        const std::function<void(std::uint64_t done, std::uint64_t total)>& progress);

}  // namespace tenon::audit
