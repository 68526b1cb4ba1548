#include "node/running_database.hpp"

#include <fstream>
#include <stdexcept>
#include <system_error>

#include "node/secret.hpp"
#include "postgres/session.hpp"

namespace tenon {
namespace {

bool has_socket(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::exists(folder / ".s.PGSQL.5432", error);
}

// Of a folder whose path is too long for a socket it is elsewhere, and a note says where.
std::filesystem::path socket_folder(const std::filesystem::path& data_dir) {
  const std::filesystem::path root = data_dir / "postgres";
  if (has_socket(root / "socket")) return root / "socket";
  std::ifstream note(root / "socket_folder");
  std::string folder;
  std::getline(note, folder);
  return folder;
}

}  // namespace

std::string running_database(const std::string& database_url, const std::filesystem::path& data_dir,
                             const Settings& serve) {
  if (!database_url.empty()) return database_url;
  if (data_dir.empty() && !serve.database_url.empty()) return serve.database_url;
  const std::filesystem::path folder = data_dir_of(serve, data_dir);
  const std::filesystem::path socket = socket_folder(folder);
  if (!has_socket(socket)) {
    throw std::runtime_error("no node with a database of its own runs on " + folder.string() +
                             ": start it, or name its --data-dir or --database-url");
  }
  return "host=" + postgres::conninfo_value(socket.string()) + " port=5432 user=tenon_edge dbname=tenon";
}

std::string running_secret(const std::filesystem::path& secret_file, const std::filesystem::path& data_dir,
                           const Settings& serve) {
  const std::filesystem::path& named = secret_file.empty() ? serve.secret_file : secret_file;
  if (!named.empty()) return read_secret(named, SecretMaker::people);
  return read_secret(data_dir_of(serve, data_dir) / "secret", SecretMaker::its_node);
}

}  // namespace tenon
