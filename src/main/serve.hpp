// `tenon serve`: builds every part and hands it to the next. The map of the program.
#pragma once

#include "main/settings.hpp"

namespace tenon {

// Runs until SIGTERM or SIGINT; returns the exit code. Throws std::runtime_error, with what to do, when it cannot
// start.
int serve(const Settings& settings);

}  // namespace tenon
