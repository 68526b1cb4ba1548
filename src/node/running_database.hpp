// Where the commands for a running node find its database and its secret.
#pragma once

#include <filesystem>
#include <string>

#include "node/settings.hpp"

namespace tenon {

// The conninfo of a node's login: `database_url` and `data_dir` are the command's own flags, empty when they were not
// said; then it is as for serve. A flag wins, and of the two the URL. Throws std::runtime_error with what to do.
[[nodiscard]] std::string running_database(const std::string& database_url, const std::filesystem::path& data_dir,
                                           const Settings& serve);

// Its secret: `secret_file` and `data_dir` are the command's own flags. A file that is named wins over a data
// directory, as for serve. Throws std::runtime_error with what to do.
[[nodiscard]] std::string running_secret(const std::filesystem::path& secret_file,
                                         const std::filesystem::path& data_dir, const Settings& serve);

}  // namespace tenon
