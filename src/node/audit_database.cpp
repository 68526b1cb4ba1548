#include "node/audit_database.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "postgres/session.hpp"

namespace tenon {
namespace {

namespace fs = std::filesystem;

// Without the line break at its end. Nothing when there is no such file.
std::optional<std::string> content_of(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error) && !error) return std::nullopt;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

bool answers(const std::string& conninfo) {
  try {
    (void)postgres::Session(conninfo);
    return true;
  } catch (const postgres::ConnectionError&) {
    return false;
  }
}

}  // namespace

AuditDatabase::AuditDatabase(const std::string& database_url, const fs::path& data_dir) : conninfo_(database_url) {
  if (!database_url.empty()) return;
  const fs::path root = data_dir / "postgres";
  std::error_code error;
  if (!fs::exists(root / "data", error)) {
    throw std::runtime_error("there is no database in " + data_dir.string() +
                             ": name the node's --data-dir, or a --database-url");
  }
  const fs::path socket = content_of(root / "socket_folder").value_or((root / "socket").string());
  conninfo_ = "host=" + postgres::conninfo_value(socket.string()) + " port=5432 user=tenon_edge dbname=tenon";
  if (answers(conninfo_)) return;
  std::fputs("the node does not run: starting its database for as long as this takes\n", stderr);
  cluster_.emplace(postgres::ClusterSettings{.directory = root}, log_);
  conninfo_ = cluster_->edge_conninfo();
}

std::optional<AuditKey> find_audit_key(const std::string& given, const fs::path& data_dir) {
  if (!given.empty()) {
    std::error_code error;
    const bool file = fs::is_regular_file(given, error);
    auto verifier = audit::NoteVerifier::parse(file ? content_of(given).value_or("") : given);
    if (!verifier) throw std::runtime_error("--key: " + verifier.error());
    return AuditKey{.verifier = *std::move(verifier), .from = file ? given : "--key"};
  }
  if (data_dir.empty()) return std::nullopt;
  const fs::path path = data_dir / audit_key_file;
  const auto text = content_of(path);
  if (!text) return std::nullopt;
  const auto signer = audit::NoteSigner::parse(*text);
  if (!signer) throw std::runtime_error(path.string() + ": " + signer.error());
  return AuditKey{.verifier = signer->verifier(), .from = path.string()};
}

}  // namespace tenon
