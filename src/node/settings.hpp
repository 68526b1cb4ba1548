// Everything that `tenon serve` can be told, by flag, by TENON_* variable or in tenon.toml.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "http/server.hpp"
#include "node/limit_settings.hpp"
#include "node/shared_limits.hpp"
#include "node/token_settings.hpp"
#include "service/service.hpp"

namespace tenon {

struct Settings {
  std::filesystem::path data_dir;          // secrets, and the embedded database
  std::string database_url;                // empty: the embedded database
  std::string migrate_url;                 // a login that may change the schema; with database_url
  bool sealer = true;                      // whether this node may seal the audit log
  std::string sealer_url;                  // its login; with database_url, where there is no sealing without it
  std::vector<std::string> checkpoint_to;  // folders and https:// URLs, beside <data-dir>/audit-checkpoints
  std::filesystem::path checkpoint_ca;     // PEM; empty: the authorities that the system trusts
  std::filesystem::path secret_file;       // empty: <data-dir>/secret, made when missing
  TokenSettings tokens;
  std::vector<std::string> cors_origins;
  http::ServerSettings http;
  service::ServiceSettings service;
  std::vector<std::string> limits;           // NAME=N/UNIT, NAME=off, all=off
  std::vector<LimitSetting> limit_settings;  // of the file's [limits]; `limits` come after them
  std::string headers = "both";              // of limited answers: both, draft, legacy, none
  std::vector<std::string> trusted_proxies;  // CIDR blocks
  std::chrono::seconds signature_window{0};  // 0: as long as the shortest key lifetime allows
  std::chrono::seconds signature_skew = limits::signature_skew;
  std::vector<std::string> signature_authorities;  // host[:port]; empty: any
  std::size_t threads = 0;                         // 0: one a core
  std::size_t write_lanes_per_thread = 1;
  std::optional<std::size_t> gather_below;  // empty: fewer the more lanes there are
  std::size_t transactions_per_thread = 4;  // connections for handle_idempotent, opened when needed
  std::size_t batch_commands_max = limits::batch_commands_max;
  std::size_t queue_max = limits::lane_queue_max;
  std::size_t queue_wait_milliseconds = 100;
  std::size_t reply_cache_megabytes = limits::reply_cache_bytes / (1024 * 1024);
  std::size_t live_keys_per_user_max = limits::live_keys_per_user_max;
  std::string log_path = "-";
  std::string log_level = "info";
  SharedLimitsOptions shared_limits;
  bool demo = false;
};

// /var/lib/tenon for root, else $XDG_DATA_HOME/tenon or ~/.local/share/tenon; empty where HOME is not set.
[[nodiscard]] std::filesystem::path default_data_dir();

// The folder that a command's own flag names, or where that is empty the node's. Throws std::runtime_error where there
// is neither.
[[nodiscard]] std::filesystem::path data_dir_of(const Settings& settings, const std::filesystem::path& flag = {});

}  // namespace tenon
