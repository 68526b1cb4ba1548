// A PostgreSQL of the cluster under attack: made, cloned, started, killed, frozen and promoted from outside, as an
// operator or a power cut would. It listens on TCP on 127.0.0.1 only.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "postgres/child_process.hpp"
#include "postgres/server_program.hpp"
#include "postgres/session.hpp"

namespace tenon::chaos {

class PostgresServer {
 public:
  // `folder`: an empty one of its own, which the server's user can reach. Nothing is started.
  // `variables`: NAME=value, of its environment.
  PostgresServer(std::filesystem::path folder, std::uint16_t port, std::vector<std::string> variables = {});
  ~PostgresServer();  // ended at once
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  void make();                                              // initdb
  void clone(std::uint16_t primary, std::uint16_t stream);  // pg_basebackup from `primary`; will follow it by `stream`
  void start();                                             // and returns at once
  [[nodiscard]] bool answers(std::chrono::milliseconds patience) const;  // takes connections within that time
  [[nodiscard]] bool alive() const { return child_ && child_->alive(); }
  [[nodiscard]] pid_t pid() const { return child_ ? child_->pid() : -1; }
  [[nodiscard]] std::vector<pid_t> processes() const;

  // Return when all processes have gone. False: they have not, in 15 s.
  bool stop_at_once();  // SIGQUIT: as `pg_ctl stop -m immediate`
  bool kill_hard();     // SIGKILL to the postmaster alone, as the OOM killer does
  bool kill_all();      // SIGKILL to each of its processes, as the end of their machine
  void freeze() const;
  void thaw() const;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::filesystem::path data() const { return folder_ / "data"; }
  [[nodiscard]] std::string conninfo(const std::string& database = "tenon") const;  // of the superuser
  // One value, asked as superuser, with 5 s to connect and 20 s to answer. Throws as postgres::Session.
  [[nodiscard]] std::string ask(const std::string& sql, const std::vector<std::string>& parameters = {}) const;
  [[nodiscard]] std::string log_tail() const;  // the last lines that it wrote
  [[nodiscard]] std::uintmax_t log_size() const;
  [[nodiscard]] std::string log_since(std::uintmax_t size) const;  // what it wrote since the log had that size

 private:
  void run_to_end(std::vector<std::string> arguments) const;
  void configure() const;
  [[nodiscard]] bool await_gone() const;
  // Beside the folder, which may be a disk that is full: what it says about that has to find room.
  [[nodiscard]] std::filesystem::path log() const { return folder_.string() + ".log"; }

  std::filesystem::path folder_;
  std::uint16_t port_;
  std::vector<std::string> variables_;
  postgres::ServerProgram program_;
  postgres::ServerUser user_;
  std::optional<postgres::ChildProcess> child_;
};

}  // namespace tenon::chaos
