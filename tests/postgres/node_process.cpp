#include "postgres/node_process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include "postgres/cluster.hpp"

namespace tenon::test {
namespace {

constexpr const char* directory_variable = "TENON_TEST_NODE_DIRECTORY";

// Not a test of its own: what NodeProcess runs. It waits to be killed.
TEST(NodeProcessItself, DISABLED_OwnsACluster) {
  const char* directory = std::getenv(directory_variable);
  ASSERT_NE(directory, nullptr);
  Logger log("-", LogLevel::error);
  const postgres::Cluster cluster({.directory = directory}, log);
  const std::string line = "server " + std::to_string(cluster.pid()) + "\n";
  ASSERT_GT(write(STDOUT_FILENO, line.data(), line.size()), 0);
  for (;;) pause();
}

}  // namespace

NodeProcess::NodeProcess(const std::filesystem::path& directory) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::string variable = std::string(directory_variable) + "=" + directory.string();
  std::vector<char*> environment{variable.data()};
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);
  std::string program = "/proc/self/exe";
  std::string filter = "--gtest_filter=NodeProcessItself.*";
  std::string disabled = "--gtest_also_run_disabled_tests";
  char* arguments[] = {program.data(), filter.data(), disabled.data(), nullptr};
  const int error = posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environment.data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  output_ = ends[0];
  if (error != 0) throw std::system_error(error, std::generic_category(), "posix_spawn");
}

NodeProcess::~NodeProcess() {
  kill_and_reap();
  close(output_);
}

pid_t NodeProcess::await_server() {
  std::string text;
  for (;;) {
    const std::size_t at = text.find("server ");
    if (at != std::string::npos && text.find('\n', at) != std::string::npos) return std::atoi(text.c_str() + at + 7);
    pollfd readable{.fd = output_, .events = POLLIN, .revents = 0};
    char buffer[256];
    if (poll(&readable, 1, 60'000) <= 0) return 0;
    const ssize_t size = read(output_, buffer, sizeof buffer);
    if (size <= 0) return 0;
    text.append(buffer, static_cast<std::size_t>(size));
  }
}

void NodeProcess::kill_and_reap() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace tenon::test
