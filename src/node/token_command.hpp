// `tenon token`: makes tokens, and revokes them.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "node/settings.hpp"

namespace tenon {

class TokenCommand {
 public:
  // Adds the command to `app`. `serve`: the settings of the node, for what is not said here; outlives this.
  TokenCommand(CLI::App& app, const Settings& serve);

  [[nodiscard]] bool called() const { return command_->parsed(); }
  // The exit code. Throws std::runtime_error with what is wrong and what to do.
  [[nodiscard]] int run() const;

 private:
  [[nodiscard]] int print() const;
  [[nodiscard]] int revoke() const;
  [[nodiscard]] std::string wanted() const;  // the revocation, as JSON

  const Settings& serve_;
  CLI::App* command_;
  CLI::App* revoke_command_;
  std::filesystem::path data_dir_;
  std::filesystem::path secret_file_;
  std::string user_;
  std::string expires_ = "1h";
  std::vector<std::string> roles_;
  std::string revoked_user_;
  std::string issued_before_;
  std::string token_id_;
  std::string token_;
  std::string reason_;
  std::string database_url_;
};

}  // namespace tenon
