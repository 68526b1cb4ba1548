// `tenon audit`: verify, prove, check, consistency, export, checkpoint, key.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "node/settings.hpp"

namespace tenon {

class AuditCommand {
 public:
  // Adds itself to `app`. `serve`: the settings of the node, for what is not said here. Both outlive this.
  AuditCommand(CLI::App& app, const Settings& serve);
  [[nodiscard]] bool called() const { return audit_->parsed(); }
  // Returns the exit code: 0 what was asked for holds, 2 it does not (tampering, or no such proof). Throws
  // std::runtime_error when it could not be carried out.
  int run();

 private:
  void choose_database();
  void add_verify();
  void add_proofs();
  void add_export();
  [[nodiscard]] int verify();
  [[nodiscard]] int prove();
  [[nodiscard]] int check();
  [[nodiscard]] int consistency();
  [[nodiscard]] int export_log();
  [[nodiscard]] int checkpoint();
  [[nodiscard]] int print_key();

  const Settings& serve_;
  CLI::App* audit_;
  CLI::App* verify_ = nullptr;
  CLI::App* prove_ = nullptr;
  CLI::App* check_ = nullptr;
  CLI::App* consistency_ = nullptr;
  CLI::App* export_ = nullptr;
  CLI::App* checkpoint_ = nullptr;
  CLI::App* key_command_ = nullptr;

  std::string database_url_;
  std::filesystem::path data_dir_;
  std::string key_;
  std::vector<std::filesystem::path> checkpoints_;
  std::vector<std::filesystem::path> exported_;
  std::filesystem::path state_;
  bool incremental_ = false;
  bool json_ = false;
  unsigned connections_ = std::clamp(2 * std::thread::hardware_concurrency(), 2U, 16U);
  std::int64_t id_ = 0;
  std::optional<std::uint64_t> size_;
  std::uint64_t from_ = 0;
  std::optional<std::uint64_t> to_;
  std::filesystem::path file_;
  std::optional<std::uint64_t> after_;
  std::string entity_;
  std::optional<std::string> actor_;
  std::optional<std::string> action_;
  std::string from_time_;
  std::string to_time_;
};

}  // namespace tenon
