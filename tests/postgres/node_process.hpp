// A second process that owns an embedded cluster, to be killed: this test program, run again.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace tenon::test {

class NodeProcess {
 public:
  explicit NodeProcess(const std::filesystem::path& directory);
  ~NodeProcess();  // kills it
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

  // The server's pid once it answers; 0 when the node ended instead, or did not start within a minute.
  [[nodiscard]] pid_t await_server();
  void kill_and_reap();

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

}  // namespace tenon::test
