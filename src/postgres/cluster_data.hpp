// A new cluster's data folder, by initdb.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "postgres/cluster_files.hpp"
#include "postgres/server_program.hpp"
#include "postgres/server_user.hpp"

namespace tenon::postgres {

// Makes <root>/data, whole or not at all: a process killed meanwhile leaves nothing that looks like a cluster. The
// folders were made before. Throws std::runtime_error with the end of initdb's output.
void make_data(const ClusterFiles& files, const ServerUser& user, const ServerProgram& program,
               const std::vector<std::string>& more_arguments = {});

// What PostgreSQL's programs run with; nothing of the node's own environment.
[[nodiscard]] std::vector<std::string> server_environment();

[[nodiscard]] std::runtime_error failure_with_log(const std::string& what, const ClusterFiles& files);

}  // namespace tenon::postgres
