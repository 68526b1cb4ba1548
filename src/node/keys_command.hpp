// `tenon keys add|list|revoke`: signing keys of users, straight in the database.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

namespace tenon {

class KeysCommand {
 public:
  // Adds itself to `app`, which outlives it; `default_data_dir` is read when the command runs.
  KeysCommand(CLI::App& app, const std::filesystem::path& default_data_dir);
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
