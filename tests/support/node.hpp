// A whole node: the `tenon` program itself, with a PostgreSQL of its own or on somebody else's, and what its clients
// and its superuser see of it.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/api.hpp"
#include "support/child_program.hpp"
#include "support/cluster.hpp"

namespace tenon::test {

struct NodeSettings {
  std::vector<std::string> arguments = {};  // of `serve`
  std::filesystem::path data_dir = {};      // empty: a fresh one, removed with the node
  std::string database_url = {};            // empty: the embedded database
  std::filesystem::path binary = {};        // empty: tenon itself
  bool limited = false;                     // false: --limit all=off
  bool awaited = true;                      // false: await_listening() is the caller's to call
};

class Node {
 public:
  // Starts it and waits until it listens. Throws std::runtime_error, with what it said, when it doesn't. Only from the
  // main thread (ChildProgram).
  explicit Node(NodeSettings settings = {});
  ~Node();  // ends it and its database at once
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void await_listening();
  [[nodiscard]] bool becomes_ready() const;  // /readyz says so, within half a minute
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] ChildProgram& program() noexcept { return *program_; }
  [[nodiscard]] const std::filesystem::path& data_dir() const noexcept { return data_dir_; }
  [[nodiscard]] std::string log() const { return content_of(folder_.path() / "log"); }  // what is written so far

  void kill_hard();  // SIGKILL, as a power cut takes it; returns when its database has gone with it
  // SIGTERM; its exit code (ChildProgram::await_end).
  [[nodiscard]] std::optional<int> stop(std::chrono::milliseconds patience = std::chrono::seconds(30));

  // Its embedded database.
  [[nodiscard]] std::filesystem::path socket_folder() const { return data_dir_ / "postgres" / "socket"; }
  [[nodiscard]] std::string superuser() const { return conninfo(socket_folder(), "postgres"); }
  [[nodiscard]] std::string edge() const { return conninfo(socket_folder(), "tenon_edge"); }
  [[nodiscard]] std::vector<pid_t> database_processes() const;  // the postmaster first
  static std::string conninfo(const std::filesystem::path& socket_folder, const std::string& user);

  // Bearer tokens that it accepts. `roles`: "admin", "staff auditor", "".
  [[nodiscard]] std::string token(const std::string& user, const std::string& roles,
                                  std::chrono::seconds lifetime = std::chrono::hours(1)) const;

  // One call over a connection of its own.
  RawResponse call(const ApiCall& call, std::chrono::milliseconds patience = std::chrono::seconds(15)) const;
  // One value out of its embedded database, asked as superuser.
  std::string ask(const std::string& sql, const std::vector<std::string>& parameters = {}) const {
    return query_value(superuser(), sql, parameters);
  }

 private:
  void end_database() const;

  TemporaryFolder folder_;
  std::filesystem::path data_dir_;
  std::filesystem::path secret_file_;
  std::string name_;  // of the program, as it greets
  std::optional<ChildProgram> program_;
  std::uint16_t port_ = 0;
};

// A second node on the first one's database, which takes the same tokens.
[[nodiscard]] NodeSettings beside(const Node& first);

// The program's own node: started at the first call, without limits; ended at exit.
[[nodiscard]] Node& shared_node();

// `tenon` with these arguments, run to its end.
struct Ended {
  int exit_code = 0;
  std::string output;
  std::string errors;
};
[[nodiscard]] Ended run_tenon(std::vector<std::string> arguments);

}  // namespace tenon::test
