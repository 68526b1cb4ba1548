// Where a node's data are: the embedded cluster, or a server that somebody else runs.
#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>

#include "base/log.hpp"
#include "node/settings.hpp"
#include "postgres/cluster.hpp"
#include "postgres/migrations.hpp"

namespace tenon {

// Throws std::runtime_error for logins that are none, or that nothing would be done with.
void check_database(const Settings& settings);

class Database {
 public:
  // Starts the embedded one, with room for so many connections, or takes the one that the settings name; brings its
  // schema up to date where it may, and looks whether it will do. Throws std::runtime_error with what is wrong. `log`
  // outlives it.
  Database(const Settings& settings, int connections_max, std::span<const postgres::Migration> migrations, Logger& log);

  [[nodiscard]] const std::string& conninfo() const noexcept { return conninfo_; }
  // As tenon_sealer; empty: there is no such login.
  [[nodiscard]] const std::string& sealer_conninfo() const noexcept { return sealer_conninfo_; }
  [[nodiscard]] int schema_version() const noexcept { return schema_version_; }

  // The embedded server is our child: when it dies, we start it again, and it recovers. On a thread of its own: that
  // may take minutes, in which requests are still to be answered by their deadlines.
  void keep_alive();

 private:
  void watch(const std::stop_token& stop);

  Logger& log_;
  int schema_version_;
  std::optional<postgres::Cluster> cluster_;
  std::string conninfo_;
  std::string sealer_conninfo_;
  std::jthread keeper_;  // joined before the cluster that it watches goes
};

}  // namespace tenon
