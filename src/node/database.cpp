#include "node/database.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>

namespace tenon {

Database::Database(const Settings& settings, int connections_max, std::span<const postgres::Migration> migrations,
                   Logger& log)
    : log_(log), schema_version_(static_cast<int>(migrations.size())) {
  if (settings.database_url.empty()) {
    cluster_.emplace(
        postgres::ClusterSettings{.directory = settings.data_dir / "postgres", .connections_max = connections_max},
        log);
    conninfo_ = cluster_->edge_conninfo();
    sealer_conninfo_ = cluster_->sealer_conninfo();
    postgres::migrate(cluster_->superuser_conninfo(), migrations, log);
  } else {
    conninfo_ = settings.database_url;
    sealer_conninfo_ = settings.sealer_url;
    if (!settings.migrate_url.empty()) postgres::migrate(settings.migrate_url, migrations, log);
  }
  if (const std::string wrong = postgres::preflight(conninfo_, migrations); !wrong.empty()) {
    throw std::runtime_error("the database will not do: " + wrong);
  }
}

void Database::keep_alive() {
  if (cluster_) keeper_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

void Database::watch(const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  while (!never.wait_for(lock, stop, std::chrono::milliseconds(200), [&] { return stop.stop_requested(); })) {
    if (cluster_->alive()) continue;
    log_.event(LogLevel::error, "embedded_database_died", {});
    try {
      cluster_->restart();
      log_.event(LogLevel::info, "embedded_database_recovered", {});
    } catch (const std::exception& failure) {
      log_.event(LogLevel::error, "embedded_database_not_recovered", {{"reason", std::string_view(failure.what())}});
    }
  }
}

}  // namespace tenon
