// `tenon keys add|list|revoke`: signing keys of users, straight in the database.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "node/settings.hpp"

namespace tenon {

class KeysCommand {
 public:
  // Adds itself to `app`. `serve`: the settings of the node, for what is not said here. Both outlive this.
  KeysCommand(CLI::App& app, const Settings& serve);
  ~KeysCommand();
  KeysCommand(const KeysCommand&) = delete;
  KeysCommand& operator=(const KeysCommand&) = delete;

  [[nodiscard]] bool called() const;
  int run();  // the exit code; throws std::runtime_error with what is wrong

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenon
