// A child process that dies with this one, run as another user where asked.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "postgres/server_user.hpp"

namespace tenon::postgres {

struct ChildSettings {
  std::vector<std::string> arguments;    // [0] is the program's path
  std::vector<std::string> environment;  // NAME=value; nothing is inherited
  ServerUser user;
  int output;                // a descriptor for its standard output and error; only needed during construction
  int signal_when_orphaned;  // what the kernel sends it when this process dies, however it dies
};

// Runs in a session of its own, so that Ctrl-C on a terminal reaches this process only.
class ChildProcess {
 public:
  explicit ChildProcess(const ChildSettings& settings);  // throws std::system_error when it cannot be started
  ~ChildProcess();                                       // SIGKILL if it still runs, and waits
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const;
  [[nodiscard]] bool alive() const;
  void signal(int number);  // nothing when it has exited
  // The wait status once it has exited; nothing when `until` passes first.
  [[nodiscard]] std::optional<int> wait_until(Monotonic until) const;

 private:
  void keep(const ChildSettings& settings, int failure_pipe);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  pid_t pid_ = -1;
  std::optional<int> status_;
  // The kernel takes the death of the forking THREAD for the parent's: this one lives as long as the child does.
  std::thread keeper_;
};

}  // namespace tenon::postgres
