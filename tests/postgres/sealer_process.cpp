#include "postgres/sealer_process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <system_error>
#include <vector>

#include "audit/sealer.hpp"

namespace tenon::test {
namespace {

constexpr const char* conninfo_variable = "TENON_TEST_SEALER_CONNINFO";
constexpr const char* folder_variable = "TENON_TEST_SEALER_FOLDER";

// Not a test of its own: what SealerProcess runs. It waits to be killed.
TEST(SealerItself, DISABLED_Seals) {
  const char* conninfo = std::getenv(conninfo_variable);  // NOLINT(concurrency-mt-unsafe)
  const char* folder = std::getenv(folder_variable);      // NOLINT(concurrency-mt-unsafe)
  ASSERT_TRUE(conninfo != nullptr && folder != nullptr);
  std::ifstream file(std::filesystem::path(folder) / "audit-key");
  std::string key;
  std::getline(file, key);
  Logger log("-", LogLevel::error);
  audit::SealerSettings settings{.conninfo = conninfo, .period = std::chrono::milliseconds(2), .entries_a_round = 20};
  settings.sinks.push_back(audit::file_sink(std::filesystem::path(folder) / "audit-checkpoints"));
  audit::Sealer sealer(std::move(settings), audit::NoteSigner::parse(key).value(), log);
  sealer.start();
  for (;;) pause();
}

}  // namespace

SealerProcess::SealerProcess(const std::string& conninfo, const std::filesystem::path& folder) {
  std::string first = std::string(conninfo_variable) + "=" + conninfo;
  std::string second = std::string(folder_variable) + "=" + folder.string();
  std::vector<char*> environment{first.data(), second.data()};
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);
  std::string program = "/proc/self/exe";
  std::string filter = "--gtest_filter=SealerItself.*";
  std::string disabled = "--gtest_also_run_disabled_tests";
  std::string brief = "--gtest_brief=1";
  char* arguments[] = {program.data(), filter.data(), disabled.data(), brief.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  const int error = posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), "posix_spawn");
}

void SealerProcess::kill_and_reap() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace tenon::test
