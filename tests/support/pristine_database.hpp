// An embedded database that was made, migrated and stopped once, to be copied: a node on a copy starts in a fraction of
// the time.
#pragma once

#include <filesystem>

namespace tenon::test {

// Gives the data directory, which must be new, such a database. Made by `program serve` beside the program when there
// is none, or one of an older program; from any number of processes at once.
void copy_pristine_database(const std::filesystem::path& program, const std::filesystem::path& data_dir);

}  // namespace tenon::test
