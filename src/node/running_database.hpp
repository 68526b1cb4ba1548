// Where the commands that speak to a running node's database find it.
#pragma once

#include <filesystem>
#include <string>

#include "node/settings.hpp"

namespace tenon {

// The conninfo of a node's login: `database_url` and `data_dir` are the command's own flags, empty when they were not
// said; then it is as for serve. A flag wins, and of the two the URL. Throws std::runtime_error with what to do.
[[nodiscard]] std::string running_database(const std::string& database_url, const std::filesystem::path& data_dir,
                                           const Settings& serve);

}  // namespace tenon
