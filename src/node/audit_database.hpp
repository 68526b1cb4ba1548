// Where the audit commands find the log, its key and what was published of it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "audit/note.hpp"
#include "base/log.hpp"
#include "postgres/cluster.hpp"

namespace tenon {

// The database at --database-url, or the embedded one of --data-dir: the node's, when it runs; else started for as long
// as this lives. Throws std::runtime_error with what to do.
class AuditDatabase {
 public:
  AuditDatabase(const std::string& database_url, const std::filesystem::path& data_dir);
  [[nodiscard]] const std::string& conninfo() const noexcept { return conninfo_; }

 private:
  Logger log_{"-", LogLevel::warning};
  std::optional<postgres::Cluster> cluster_;
  std::string conninfo_;
};

// A verifier and where it came from.
struct AuditKey {
  audit::NoteVerifier verifier;
  std::string from;
};
// `given`: the public key's text, or a file that holds it; empty: the data directory's own key when there is one.
// Nothing when neither is there. Throws std::runtime_error for a key that cannot be read.
[[nodiscard]] std::optional<AuditKey> find_audit_key(const std::string& given, const std::filesystem::path& data_dir);

inline constexpr std::string_view audit_key_file = "audit-key";
inline constexpr std::string_view audit_checkpoints_file = "audit-checkpoints";
inline constexpr std::string_view audit_verified_file = "audit-verified";

}  // namespace tenon
