// Where PostgreSQL's own programs are, and of which version.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace tenon::postgres {

struct ServerProgram {
  std::filesystem::path binaries;  // the folder of initdb and postgres
  int version;                     // major
};

// The version that made the cluster in `data`; nothing when there is none.
[[nodiscard]] std::optional<int> version_of_data(const std::filesystem::path& data);

// In `binaries`, when it is not empty; else Debian's folders, then PATH. A cluster that exists needs its own version, a
// new one takes 15, or a later one where there is no 15. Throws std::runtime_error with what to install.
[[nodiscard]] ServerProgram find_server_program(const std::string& binaries, std::optional<int> version_wanted);

}  // namespace tenon::postgres
