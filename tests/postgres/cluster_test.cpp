// The embedded PostgreSQL's life: made, started, killed in every way, started again.
#include "postgres/cluster.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <thread>

#include "postgres/child_process.hpp"
#include "postgres/cluster_files.hpp"
#include "postgres/node_process.hpp"
#include "support/cluster.hpp"

namespace tenon::postgres {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::query;
using test::query_value;
using test::TemporaryFolder;
using testing::AllOf;
using testing::HasSubstr;

class ClusterTest : public testing::Test {
 protected:
  // Made once, for initdb syncs a thousand files; most tests start from a copy.
  static void SetUpTestSuite() {
    template_.emplace();
    Logger log("-", LogLevel::error);
    const Cluster cluster({.directory = template_->path() / "pg"}, log);
  }
  static void TearDownTestSuite() { template_.reset(); }
  void copy_to(const fs::path& directory) {
    fs::create_directories(directory.parent_path());
    const std::string command = "cp -a " + (template_->path() / "pg").string() + " " + directory.string();
    ASSERT_EQ(std::system(command.c_str()), 0);
  }

  std::unique_ptr<Cluster> start() {
    if (!fs::exists(directory_)) copy_to(directory_);
    return start_in(directory_);
  }
  std::unique_ptr<Cluster> start_in(const fs::path& directory) {
    return std::make_unique<Cluster>(ClusterSettings{.directory = directory}, log_);
  }
  std::string refusal_of(const ClusterSettings& settings) {
    try {
      Cluster cluster(settings, log_);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }

  static std::optional<TemporaryFolder> template_;
  TemporaryFolder folder_;
  fs::path directory_ = folder_.path() / "pg";
  Logger log_{"-", LogLevel::error};
};

std::optional<TemporaryFolder> ClusterTest::template_;

mode_t mode_of(const fs::path& path) {
  struct stat about{};
  return stat(path.c_str(), &about) == 0 ? about.st_mode & 07777 : 0;
}

uid_t owner_of(const fs::path& path) {
  struct stat about{};
  return stat(path.c_str(), &about) == 0 ? about.st_uid : 0;
}

bool runs(pid_t pid) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", error);
  return !program.empty();  // a zombie that nobody reaps has none
}

bool await_end_of(const Cluster& cluster) {
  const Monotonic until = monotonic_now() + 20s;
  while (monotonic_now() < until) {
    if (!cluster.alive()) return true;
    std::this_thread::yield();
  }
  return false;
}

void make_row(const Cluster& cluster) {
  query(cluster.superuser_conninfo(), "CREATE TABLE kept AS SELECT 'still here' AS what");
}
std::string kept_row(const Cluster& cluster) {
  return query_value(cluster.superuser_conninfo(), "SELECT what FROM kept");
}

TEST_F(ClusterTest, KeepsItsDataFromOneStartToTheNext) {
  auto cluster = start_in(directory_);  // made anew
  make_row(*cluster);
  const pid_t server = cluster->pid();
  EXPECT_TRUE(cluster->alive());
  cluster.reset();
  EXPECT_FALSE(runs(server)) << "stopped with its node";
  EXPECT_FALSE(fs::exists(directory_ / "data" / "postmaster.pid")) << "by an orderly shutdown";
  cluster = start();
  EXPECT_EQ(kept_row(*cluster), "still here");
}

TEST_F(ClusterTest, IsDurableAndPrivateAsMade) {
  const auto cluster = start_in(directory_);
  const auto setting = [&](const std::string& name) {
    return query_value(cluster->superuser_conninfo(), "SHOW " + name);
  };
  EXPECT_EQ(setting("fsync"), "on");
  EXPECT_EQ(setting("synchronous_commit"), "on");
  EXPECT_EQ(setting("full_page_writes"), "on");
  EXPECT_EQ(setting("data_checksums"), "on");
  EXPECT_EQ(setting("listen_addresses"), "");
  EXPECT_EQ(setting("server_encoding"), "UTF8");
  EXPECT_EQ(setting("timezone"), "UTC");
  for (const char* private_folder : {".", "data", "socket", "log"}) {
    EXPECT_EQ(mode_of(directory_ / private_folder), 0700) << private_folder;
  }
}

TEST_F(ClusterTest, TakesTheOperatorsSettingsButNotThoseThatWouldBreakAPromise) {
  start().reset();
  std::ofstream(directory_ / "data" / "local.conf") << "work_mem = '17MB'\nfsync = off\nsynchronous_commit = off\n";
  fs::permissions(directory_ / "data" / "local.conf", fs::perms::others_read, fs::perm_options::add);
  const auto cluster = start();
  EXPECT_EQ(query_value(cluster->superuser_conninfo(), "SHOW work_mem"), "17MB");
  EXPECT_EQ(query_value(cluster->superuser_conninfo(), "SHOW fsync"), "on");
  EXPECT_EQ(query_value(cluster->superuser_conninfo(), "SHOW synchronous_commit"), "on");
}

TEST_F(ClusterTest, ComesBackAfterItsServerWasKilled) {
  const auto cluster = start();
  make_row(*cluster);
  const pid_t killed = cluster->pid();
  kill(killed, SIGKILL);
  ASSERT_TRUE(await_end_of(*cluster));
  cluster->restart();
  EXPECT_TRUE(cluster->alive());
  EXPECT_NE(cluster->pid(), killed);
  EXPECT_EQ(kept_row(*cluster), "still here");
}

TEST_F(ClusterTest, ComesBackAgainAndAgainUnderLoad) {
  const auto cluster = start();
  query(cluster->superuser_conninfo(), "CREATE TABLE acknowledged (n int)");
  int acknowledged = 0;
  for (int round = 0; round < 3; ++round) {
    const pid_t server = cluster->pid();
    std::thread killer([&] {
      EXPECT_TRUE(test::await_row(cluster->superuser_conninfo(),
                                  "SELECT FROM acknowledged HAVING count(*) > " + std::to_string(20 * (round + 1))));
      kill(server, SIGKILL);
    });
    try {
      for (;;) {
        query(cluster->superuser_conninfo(), "INSERT INTO acknowledged VALUES (1)");
        ++acknowledged;
      }
    } catch (const ConnectionError&) {
    }
    killer.join();
    cluster->restart();
    const int found = std::stoi(query_value(cluster->superuser_conninfo(), "SELECT count(*) FROM acknowledged"));
    EXPECT_GE(found, acknowledged);
    EXPECT_LE(found, acknowledged + 1) << "one may have been committed unheard";
    acknowledged = found;
  }
  EXPECT_GT(acknowledged, 60) << "the run is void: nothing was written";
}

TEST_F(ClusterTest, StopsWithANodeThatWasKilled) {
  copy_to(directory_);
  test::NodeProcess node(directory_);
  const pid_t server = node.await_server();
  ASSERT_TRUE(runs(server));
  node.kill_and_reap();
  const Monotonic until = monotonic_now() + 20s;
  while (runs(server) && monotonic_now() < until) std::this_thread::yield();
  EXPECT_FALSE(runs(server));
  EXPECT_FALSE(fs::exists(directory_ / "data" / "postmaster.pid")) << "by an orderly shutdown";
}

TEST_F(ClusterTest, StartsUnderTheNextNodeAtOnce) {
  copy_to(directory_);
  test::NodeProcess node(directory_);
  const pid_t server = node.await_server();
  ASSERT_GT(server, 0);
  node.kill_and_reap();
  const auto cluster = start();  // at once: the old server may still be shutting down
  EXPECT_FALSE(runs(server)) << "two servers on one folder";
  EXPECT_EQ(query_value(cluster->superuser_conninfo(), "SELECT 1"), "1");
}

TEST_F(ClusterTest, EndsAServerThatAKilledNodeLeftBehindFrozen) {
  copy_to(directory_);
  test::NodeProcess node(directory_);
  const pid_t server = node.await_server();
  ASSERT_GT(server, 0);
  kill(server, SIGSTOP);
  node.kill_and_reap();
  const auto cluster = start();
  EXPECT_FALSE(runs(server));
  EXPECT_TRUE(cluster->alive());
}

TEST_F(ClusterTest, IsMadeAnewWhenItsNodeWasKilledWhileMakingIt) {
  {
    test::NodeProcess node(directory_);
    const Monotonic until = monotonic_now() + 20s;
    while (!fs::exists(directory_ / "data.unfinished" / "base") && monotonic_now() < until) std::this_thread::yield();
    node.kill_and_reap();
  }
  ASSERT_TRUE(fs::exists(directory_ / "data.unfinished"));
  ASSERT_FALSE(fs::exists(directory_ / "data")) << "the run is void: it was killed too late";
  const auto cluster = start();
  EXPECT_EQ(query_value(cluster->superuser_conninfo(), "SELECT 1"), "1");
  EXPECT_FALSE(fs::exists(directory_ / "data.unfinished"));
}

TEST_F(ClusterTest, IsMadeAnewWhileWhatAKilledNodeLeftRunningStillWrites) {
  const fs::path unfinished = directory_ / "data.unfinished";
  fs::create_directories(unfinished / "base");
  std::atomic<int> written = 0;
  std::jthread leftover([&](const std::stop_token& stop) {  // ends when its folder is gone, as the leftover does
    const Descriptor folder(open((unfinished / "base").c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC));
    for (; !stop.stop_requested(); ++written) {
      const std::string name = std::to_string(written % 64);
      const Descriptor file(openat(folder.number(), name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
      if (file.number() < 0 || written > 50'000) return;
      unlinkat(folder.number(), std::to_string((written + 32) % 64).c_str(), 0);
    }
  });
  while (written < 100) std::this_thread::yield();
  const auto cluster = start();
  EXPECT_EQ(query_value(cluster->superuser_conninfo(), "SELECT 1"), "1");
}

TEST_F(ClusterTest, RefusesASecondNodeOnOneFolder) {
  const auto first = start();
  EXPECT_THAT(refusal_of({.directory = directory_}), AllOf(HasSubstr("another node"), HasSubstr("--data-dir")));
  EXPECT_TRUE(first->alive());
  EXPECT_EQ(query_value(first->superuser_conninfo(), "SELECT 1"), "1");
}

TEST_F(ClusterTest, OutlivesTheThreadThatStartedIt) {
  std::unique_ptr<Cluster> cluster;
  std::thread([&] { cluster = start(); }).join();
  for (int i = 0; i < 50; ++i) ASSERT_EQ(query_value(cluster->superuser_conninfo(), "SELECT 1"), "1");
  EXPECT_TRUE(cluster->alive());
}

TEST_F(ClusterTest, StandsInASessionOfItsOwnSoThatCtrlCReachesOnlyTheNode) {
  const auto cluster = start();
  EXPECT_NE(getsid(cluster->pid()), getsid(0));
}

TEST_F(ClusterTest, IsNotStoppedByNotesOfADeadServerThatNameALivingProcess) {
  start().reset();
  copy_to(folder_.path() / "other");
  const auto other = start_in(folder_.path() / "other");  // another server's pid is the most convincing
  std::ofstream(directory_ / "data" / "postmaster.pid") << other->pid() << "\n"
                                                        << (directory_ / "data").string() << "\n";
  std::ofstream(directory_ / "socket" / ".s.PGSQL.5432.lock") << other->pid() << "\n";
  const auto cluster = start();
  EXPECT_TRUE(cluster->alive());
  EXPECT_TRUE(other->alive());
}

TEST_F(ClusterTest, FindsRoomForItsSocketWhenThePathIsLong) {
  const fs::path deep = folder_.path() / std::string(100, 'd') / "pg";
  copy_to(deep);
  auto cluster = start_in(deep);
  const std::string conninfo = cluster->superuser_conninfo();
  const fs::path socket_folder = conninfo.substr(6, conninfo.find('\'', 6) - 6);
  EXPECT_THAT(socket_folder.string(), testing::StartsWith("/tmp/tenon-"));
  EXPECT_EQ(mode_of(socket_folder), 0700);
  EXPECT_EQ(query_value(conninfo, "SELECT 1"), "1");
  cluster.reset();
  EXPECT_FALSE(fs::exists(socket_folder));
}

TEST_F(ClusterTest, RemovesTheSocketsFolderThatAKilledNodeLeftBehind) {
  const fs::path deep = folder_.path() / std::string(100, 'd') / "pg";
  {
    copy_to(deep);
    test::NodeProcess node(deep);
    ASSERT_GT(node.await_server(), 0);
  }
  std::string left_behind;
  std::getline(std::ifstream(deep / "socket_folder"), left_behind);
  ASSERT_TRUE(fs::exists(left_behind)) << left_behind;
  const auto cluster = start_in(deep);
  EXPECT_FALSE(fs::exists(left_behind));
}

TEST_F(ClusterTest, QuotesAPathWithOddCharacters) {
  for (const char* odd : {"it's \"a\" \\ folder", "one,two"}) {
    const auto cluster = start_in(folder_.path() / odd / "pg");
    EXPECT_EQ(query_value(cluster->superuser_conninfo(), "SELECT 1"), "1") << odd;
  }
}

TEST_F(ClusterTest, SaysWhatToInstallWhenThereIsNoPostgreSql) {
  EXPECT_THAT(refusal_of({.directory = directory_, .binaries = "/nowhere"}),
              AllOf(HasSubstr("PostgreSQL 15 was not found"), HasSubstr("apt-get install postgresql-15")));
}

TEST_F(ClusterTest, DoesNotTouchDataOfAnotherVersion) {
  start().reset();
  std::ofstream(directory_ / "data" / "PG_VERSION") << "9\n";
  EXPECT_THAT(refusal_of({.directory = directory_}),
              AllOf(HasSubstr("made by PostgreSQL 9"), HasSubstr("15 in /usr/lib/postgresql/15/bin")));
}

TEST_F(ClusterTest, SaysWhatTheServerSaidWhenItDoesNotStart) {
  start().reset();
  std::ofstream(directory_ / "data" / "local.conf") << "no_such_setting = 1\n";
  fs::permissions(directory_ / "data" / "local.conf", fs::perms::others_read, fs::perm_options::add);
  EXPECT_THAT(refusal_of({.directory = directory_}), AllOf(HasSubstr("did not start"), HasSubstr("no_such_setting")));
}

class ClusterOfRoot : public ClusterTest {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can be anybody else";
  }
};

TEST_F(ClusterOfRoot, RunsItsServerAsAnUnprivilegedUserWhoOwnsTheFolder) {
  const auto cluster = start();
  const uid_t user = owner_of("/proc/" + std::to_string(cluster->pid()));
  EXPECT_NE(user, 0U);
  EXPECT_EQ(owner_of(directory_ / "data"), user);
}

TEST_F(ClusterOfRoot, KeepsTheOwnerThatTheDataHas) {
  fs::create_directories(directory_);
  constexpr uid_t nobody = 65534;
  ASSERT_EQ(chown(directory_.c_str(), nobody, nobody), 0);
  fs::create_directories(directory_ / "data");
  ASSERT_EQ(chown((directory_ / "data").c_str(), nobody, nobody), 0);
  const auto cluster = start();
  EXPECT_EQ(owner_of("/proc/" + std::to_string(cluster->pid())), nobody);
}

TEST_F(ClusterOfRoot, SaysWhichFolderItsServersUserCannotEnter) {
  const fs::path closed = folder_.path() / "closed";
  fs::create_directories(closed);
  fs::permissions(closed, fs::perms::owner_all);
  EXPECT_THAT(refusal_of({.directory = closed / "pg"}),
              AllOf(HasSubstr("may not enter " + closed.string() + ":"), HasSubstr("--data-dir")));
}

TEST_F(ClusterOfRoot, LetsNoOtherUserOfTheMachineIn) {
  const auto cluster = start();
  const int output = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  const auto psql_as = [&](const ServerUser& user) {
    const ChildProcess psql({.arguments = {"/usr/bin/env", "psql", cluster->superuser_conninfo(), "-c", "SELECT 1"},
                             .environment = {"PATH=/usr/bin:/bin"},
                             .user = user,
                             .output = output,
                             .signal_when_orphaned = SIGKILL});
    return psql.wait_until(monotonic_now() + 20s);
  };
  EXPECT_EQ(psql_as({.name = "root", .uid = 0, .gid = 0}), 0) << "the node's own user";
  EXPECT_NE(psql_as({.name = "nobody", .uid = 65534, .gid = 65534}), 0);
  // Even past the socket's folder it is the server that asks who is there.
  ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
  ASSERT_EQ(chmod((directory_ / "socket").c_str(), 0755), 0);
  ASSERT_EQ(chmod((directory_ / "socket" / ".s.PGSQL.5432").c_str(), 0777), 0);
  EXPECT_NE(psql_as({.name = "nobody", .uid = 65534, .gid = 65534}), 0);
  close(output);
}

}  // namespace
}  // namespace tenon::postgres
