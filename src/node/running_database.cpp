#include "node/running_database.hpp"

#include <fstream>
#include <stdexcept>

#include "postgres/session.hpp"

namespace tenon {
namespace {

// Of a folder whose path is too long for a socket it is elsewhere, and a note says where.
std::filesystem::path socket_folder(const std::filesystem::path& data_dir) {
  const std::filesystem::path root = data_dir / "postgres";
  std::ifstream note(root / "socket_folder");
  std::string folder;
  std::getline(note, folder);
  return folder.empty() ? root / "socket" : std::filesystem::path(folder);
}

}  // namespace

std::string running_database(const std::string& database_url, const std::filesystem::path& data_dir,
                             const Settings& serve) {
  if (!database_url.empty()) return database_url;
  if (data_dir.empty() && !serve.database_url.empty()) return serve.database_url;
  const std::filesystem::path folder = data_dir.empty() ? serve.data_dir : data_dir;
  const std::filesystem::path socket = socket_folder(folder);
  if (!std::filesystem::exists(socket / ".s.PGSQL.5432")) {
    throw std::runtime_error("no node with a database of its own runs on " + folder.string() +
                             ": start it, or name its --data-dir or --database-url");
  }
  return "host=" + postgres::conninfo_value(socket.string()) + " port=5432 user=tenon_edge dbname=tenon";
}

}  // namespace tenon
