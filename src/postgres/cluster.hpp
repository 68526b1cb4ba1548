// The embedded PostgreSQL: a private cluster under the node's data directory, run as a child of the node.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "base/log.hpp"

namespace tenon::postgres {

struct ClusterSettings {
  std::filesystem::path directory;  // <data-dir>/postgres; made, with mode 0700, when it is missing
  std::string binaries = "";        // folder of initdb and postgres; empty: found (Debian's layout, then PATH)
  int connections_max = 64;
  std::chrono::milliseconds start_deadline{120'000};  // crash recovery included
};

// Blocking: for use before the io_contexts run and after they stopped. A root node runs the server as the user
// `postgres` (else `nobody`), to whom the directory is given. The server listens on a Unix socket only, in a directory
// of mode 0700; superuser `postgres` and `tenon_edge` may log in from the node's own user and the server's (peer map).
// Settings are durable: fsync, synchronous_commit and full_page_writes on, data checksums.
class Cluster {
 public:
  // Makes the cluster if there is none, starts it and waits until it answers: at most `start_deadline`, crash recovery
  // included. Throws std::runtime_error with what to do: no PostgreSQL 15 found, another node uses the directory, a
  // path that the unprivileged user cannot reach, a version that does not fit.
  Cluster(ClusterSettings settings, Logger& log);
  ~Cluster();  // fast shutdown, waits for it; after a deadline, immediate
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Connection strings to the database `tenon`, which is made on first start.
  [[nodiscard]] std::string superuser_conninfo() const;
  [[nodiscard]] std::string edge_conninfo() const;
  [[nodiscard]] std::string sealer_conninfo() const;
  [[nodiscard]] int pid() const noexcept;     // of the server process, for tests that kill it
  [[nodiscard]] bool alive() const noexcept;  // the child has not exited
  void restart();  // starts the server again after it died (crash recovery); throws as the constructor does

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenon::postgres
