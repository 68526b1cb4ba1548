#include "node/database.hpp"

#include <libpq-fe.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>

namespace tenon {
namespace {

// libpq's own words would repeat the text, with the password in it.
void check_login(const std::string& option, const std::string& url) {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(PQconninfoParse(url.c_str(), nullptr),
                                                                              PQconninfoFree);
  if (!parsed)
    throw std::runtime_error(option + " is neither a URL like postgres://user@host/database nor keywords like host=…");
}

}  // namespace

void check_database(const Settings& settings) {
  check_login("--database-url", settings.database_url);
  check_login("--migrate-url", settings.migrate_url);
  check_login("--sealer-url", settings.sealer_url);
  if (!settings.migrate_url.empty() && settings.database_url.empty()) {
    throw std::runtime_error("--migrate-url goes with --database-url: the embedded database is migrated at each start");
  }
}

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
