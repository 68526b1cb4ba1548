// `tenon sign`: the headers that make a request a signed one, to paste or to run.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

namespace tenon {

class SignCommand {
 public:
  explicit SignCommand(CLI::App& app);  // adds itself to `app`, which outlives it
  ~SignCommand();
  SignCommand(const SignCommand&) = delete;
  SignCommand& operator=(const SignCommand&) = delete;

  [[nodiscard]] bool called() const;
  int run();  // the exit code; throws std::runtime_error with what is wrong

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenon
