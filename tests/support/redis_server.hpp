// A throw-away Redis of a test, on a free port of the loopback interface and a Unix socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/resp.hpp"
#include "support/child_program.hpp"
#include "support/temporary_folder.hpp"

namespace tenon::test {

struct RedisOptions {
  std::string password = {};
  bool tls = false;                        // the port speaks TLS, with a certificate for localhost made for it
  bool cluster = false;                    // one server of a Redis Cluster, without slots as yet
  std::vector<std::string> settings = {};  // of redis-server: "--maxmemory", "1mb"
};

// Nothing is written to disk: a server that was started again is empty.
class RedisServer {
 public:
  // Started and answering. Throws std::runtime_error, with what it said. Only from the main thread (ChildProgram).
  explicit RedisServer(RedisOptions options = {});
  ~RedisServer();  // killed
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint16_t cluster_port() const noexcept { return cluster_port_; }  // for the others of its cluster
  [[nodiscard]] std::string url() const;  // redis:// or rediss://, with the password, of database 0
  [[nodiscard]] std::filesystem::path socket() const { return folder_.path() / "redis.sock"; }
  [[nodiscard]] std::string certificate() const { return folder_.path() / "redis.crt"; }  // PEM; signs itself
  [[nodiscard]] pid_t pid() const noexcept { return program_->pid(); }

  void kill_hard();                            // SIGKILL; returns when it has ended
  void start();                                // after kill_hard(): empty, on the same port
  void freeze() const;                         // SIGSTOP: it accepts (the kernel does) and never answers
  void thaw() const;                           // SIGCONT
  void replicate(const RedisServer& primary);  // returns when it is in step

  // One command over its Unix socket, blocking, with five seconds' patience. Throws std::runtime_error.
  // `password`: another one than it was started with.
  redis::Reply ask(const std::vector<std::string>& parts, const std::string& password = {}) const;
  void tell(const std::vector<std::string>& parts) const;  // the same, without waiting for its answer

 private:
  [[nodiscard]] std::string program() const { return folder_.path() / "redis-server"; }
  void make_certificate() const;
  [[nodiscard]] std::vector<std::string> arguments() const;
  [[nodiscard]] bool answers() const;

  RedisOptions options_;
  TemporaryFolder folder_;
  std::uint16_t port_ = 0;
  std::uint16_t cluster_port_ = 0;
  std::optional<ChildProgram> program_;
};

// A port of the loopback interface that nobody has now. From below the range out of which the kernel gives connections
// and listeners theirs, so that none of them takes it before it is used.
[[nodiscard]] std::uint16_t free_port();

}  // namespace tenon::test
