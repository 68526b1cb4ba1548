// `tenon serve`: builds every part and hands it to the next. The map of the program.
#pragma once

#include "node/program.hpp"
#include "node/settings.hpp"

namespace tenon {

// Which every node has beside those of its APIs.
void define_limits(service::LimitsTable& limits);

// Runs until SIGTERM, SIGINT or SIGHUP; returns the exit code. Throws std::runtime_error, with what to do, when it
// cannot start.
int serve(const Settings& settings, const Program& program);

// Throws what serve() would throw for settings that contradict the program, without touching anything.
void check(const Settings& settings, const Program& program);

}  // namespace tenon
