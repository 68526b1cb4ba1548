// The command line of a program that runs a node: serve, migrate, token, audit, config check.
#pragma once

#include "node/program.hpp"

namespace tenon {

// Returns the exit code. Throws std::runtime_error with what is wrong and what to do.
int run_command_line(int argc, char** argv, const Program& program);

}  // namespace tenon
