// The secret that tokens are signed with.
#pragma once

#include <filesystem>
#include <string>

namespace tenon {

// Makes `data_dir` (mode 0711: the embedded database's own user must be able to pass through it) when it is missing.
void make_data_dir(const std::filesystem::path& data_dir);

// The secret in `file`; made there (64 random hex digits, mode 0600) when `make` and the file is missing. Throws
// std::runtime_error, saying what to do: missing, readable or writable by others than its owner, or shorter than
// limits::secret_bytes_min bytes without the line's end.
[[nodiscard]] std::string read_secret(const std::filesystem::path& file, bool make);

}  // namespace tenon
