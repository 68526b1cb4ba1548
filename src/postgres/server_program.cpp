#include "postgres/server_program.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace tenon::postgres {
namespace {

namespace fs = std::filesystem;

constexpr int version_least = 15;
constexpr int version_most = 30;  // how far Debian's folders are looked for

bool has_programs(const fs::path& folder) {
  return access((folder / "postgres").c_str(), X_OK) == 0 && access((folder / "initdb").c_str(), X_OK) == 0;
}

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char character : text) quoted += character == '\'' ? std::string("'\\''") : std::string(1, character);
  return quoted + "'";
}

// "postgres (PostgreSQL) 15.10 (Debian 15.10-0+deb12u1)"
std::optional<int> version_of_programs(const fs::path& folder) {
  if (!has_programs(folder)) return std::nullopt;
  const std::string command = shell_quoted((folder / "postgres").string()) + " --version 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> output(popen(command.c_str(), "re"), pclose);
  std::array<char, 256> line{};
  if (output == nullptr || std::fgets(line.data(), line.size(), output.get()) == nullptr) return std::nullopt;
  const std::string_view text = line.data();
  const std::size_t name = text.find("(PostgreSQL) ");
  if (name == std::string_view::npos) return std::nullopt;
  return std::atoi(line.data() + name + std::string_view("(PostgreSQL) ").size());
}

std::vector<fs::path> folders_to_search() {
  std::vector<fs::path> folders;
  for (int version = version_least; version <= version_most; ++version) {
    folders.push_back(fs::path("/usr/lib/postgresql") / std::to_string(version) / "bin");
  }
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string_view folder = rest.substr(0, colon);
    if (folder.starts_with('/')) folders.emplace_back(folder);
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  }
  return folders;
}

std::string advice(std::optional<int> wanted) {
  const std::string version = std::to_string(wanted.value_or(version_least));
  return "install it (Debian: apt-get install postgresql-" + version +
         "), or let --database-url name a server that runs elsewhere";
}

}  // namespace

std::optional<int> version_of_data(const fs::path& data) {
  std::ifstream file(data / "PG_VERSION");
  int version = 0;
  if (!(file >> version)) return std::nullopt;
  return version;
}

ServerProgram find_server_program(const std::string& binaries, std::optional<int> version_wanted) {
  const std::vector<fs::path> folders = binaries.empty() ? folders_to_search() : std::vector<fs::path>{binaries};
  std::string seen;
  for (const fs::path& folder : folders) {
    const std::optional<int> version = version_of_programs(folder);
    if (!version) continue;
    if (version_wanted ? *version == *version_wanted : *version >= version_least) return {folder, *version};
    seen += (seen.empty() ? "" : ", ") + std::to_string(*version) + " in " + folder.string();
  }
  if (version_wanted) {
    throw std::runtime_error("the database was made by PostgreSQL " + std::to_string(*version_wanted) +
                             ", which was not found here (" + (seen.empty() ? "no PostgreSQL at all" : "only " + seen) +
                             "): " + advice(version_wanted));
  }
  throw std::runtime_error("PostgreSQL 15 was not found" + (seen.empty() ? "" : " (only " + seen + ")") + ": " +
                           advice(version_wanted));
}

}  // namespace tenon::postgres
