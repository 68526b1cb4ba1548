#include "postgres/cluster.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "postgres/child_process.hpp"
#include "postgres/cluster_data.hpp"
#include "postgres/cluster_files.hpp"
#include "postgres/server_program.hpp"
#include "postgres/session.hpp"

namespace tenon::postgres {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds fast_stop_deadline{30'000};  // it writes a checkpoint
constexpr milliseconds immediate_stop_deadline{10'000};
constexpr milliseconds predecessor_patience{10'000};
constexpr milliseconds poll_interval{20};

// PostgreSQL's shutdown modes.
constexpr int fast = SIGINT;
constexpr int immediate = SIGQUIT;

pid_t postmaster_noted_in(const fs::path& data) {
  std::ifstream file(data / "postmaster.pid");
  pid_t pid = 0;
  file >> pid;
  return pid;
}

std::string conninfo_of(const fs::path& socket_folder, const std::string& user, const std::string& database) {
  return "host=" + conninfo_value(socket_folder.string()) + " port=5432 user=" + user + " dbname=" + database;
}

}  // namespace

struct Cluster::Impl {
  Impl(ClusterSettings given, Logger& logger);
  ~Impl();

  void start();
  void stop();
  void end_predecessors(Monotonic deadline);
  void remove_stale_files();
  [[nodiscard]] bool start_once(Monotonic deadline);
  void make_database();
  [[nodiscard]] std::shared_ptr<ChildProcess> server() const;

  ClusterSettings settings;
  Logger& log;
  ClusterFiles files;
  ServerUser user;
  ServerProgram program;
  Descriptor lock;
  fs::path socket_folder;
  mutable std::mutex mutex;  // of `running` only: alive() may be asked while another thread restarts
  std::shared_ptr<ChildProcess> running;
};

Cluster::Impl::Impl(ClusterSettings given, Logger& logger)
    : settings(std::move(given)),
      log(logger),
      files{fs::weakly_canonical(fs::absolute(settings.directory))},
      user(choose_server_user(files.data())),
      program(find_server_program(settings.binaries, version_of_data(files.data()))) {
  make_folders(files, user);
  lock = lock_folder(files);
  if (!version_of_data(files.data())) {
    log.event(LogLevel::info, "database_creating", {{"folder", files.data().native()}});
    make_data(files, user, program);
  }
  socket_folder = make_socket_folder(files, user);
  start();
}

Cluster::Impl::~Impl() {
  stop();
  remove_socket_folder(files, user);
}

void Cluster::Impl::start() {
  const Monotonic began = monotonic_now();
  const Monotonic deadline = began + settings.start_deadline;
  end_predecessors(deadline);
  remove_stale_files();
  write_configuration(files.data(), socket_folder, settings.connections_max, user);
  while (!start_once(deadline)) std::this_thread::sleep_for(poll_interval);
  const auto took = std::chrono::duration_cast<milliseconds>(monotonic_now() - began);
  log.event(LogLevel::info, "database_started",
            {{"pid", static_cast<std::int64_t>(server()->pid())}, {"milliseconds", std::int64_t{took.count()}}});
}

// What an earlier node left behind, which nobody owns since we have the lock: a server that is still shutting down, or
// the processes of one that was killed. A new server must not start beside them.
void Cluster::Impl::end_predecessors(Monotonic deadline) {
  std::vector<pid_t> left = processes_in(files.data());
  if (left.empty()) return;
  log.event(LogLevel::warning, "database_predecessor", {{"pid", static_cast<std::int64_t>(left.front())}});
  // The node's death has told the postmaster to stop already, unless it was frozen or changed its user since.
  const pid_t postmaster = postmaster_noted_in(files.data());
  if (std::ranges::find(left, postmaster) != left.end()) {
    kill(postmaster, fast);
    kill(postmaster, SIGCONT);
  }
  Monotonic patient_until = monotonic_now() + predecessor_patience;
  int harder = immediate;
  for (; !left.empty(); left = processes_in(files.data())) {
    const Monotonic now = monotonic_now();
    if (now > deadline) {
      throw std::runtime_error("an earlier PostgreSQL still runs on " + files.data().string() + " (process " +
                               std::to_string(left.front()) + "): end it");
    }
    if (now > patient_until) {
      for (const pid_t pid : left) kill(pid, harder);
      harder = SIGKILL;  // crash recovery follows, as it does after SIGQUIT
      patient_until = now + predecessor_patience;
    }
    std::this_thread::sleep_for(poll_interval);
  }
}

// A killed server's notes name a process id that may by now be anybody's; PostgreSQL would then refuse to start.
void Cluster::Impl::remove_stale_files() {
  unlink((files.data() / "postmaster.pid").c_str());
  unlink((socket_folder / ".s.PGSQL.5432").c_str());
  unlink((socket_folder / ".s.PGSQL.5432.lock").c_str());
}

// False: not now, but trying again may help.
bool Cluster::Impl::start_once(Monotonic deadline) {
  const Descriptor output = open_log(files.log(), user);
  const auto child =
      std::make_shared<ChildProcess>(ChildSettings{.arguments = {program.binaries / "postgres", "-D", files.data()},
                                                   .environment = server_environment(),
                                                   .user = user,
                                                   .output = output.number(),
                                                   .signal_when_orphaned = fast});
  {
    const std::lock_guard guard(mutex);
    running = child;
  }
  for (;;) {
    if (child->wait_until(monotonic_now() + poll_interval)) {
      // The last of a killed server's processes may still hold its shared memory.
      const bool memory_in_use = end_of_log(files.log()).find("pre-existing shared memory") != std::string::npos;
      if (memory_in_use && monotonic_now() < deadline) return false;
      throw failure_with_log("PostgreSQL did not start", files);
    }
    try {
      make_database();
      return true;
    } catch (const ConnectionError& error) {
      if (monotonic_now() > deadline)
        throw failure_with_log(std::string("PostgreSQL did not answer in time: ") + error.what(), files);
    }
  }
}

void Cluster::Impl::make_database() {
  Session session(conninfo_of(socket_folder, "postgres", "postgres"));
  if (session.execute("SELECT FROM pg_database WHERE datname = 'tenon'").size() > 0) return;
  session.execute("CREATE DATABASE tenon");
}

void Cluster::Impl::stop() {
  const auto child = server();
  if (!child) return;
  child->signal(fast);
  if (!child->wait_until(monotonic_now() + fast_stop_deadline)) {
    log.event(LogLevel::warning, "database_stop_slow", {{"pid", static_cast<std::int64_t>(child->pid())}});
    child->signal(immediate);
    if (!child->wait_until(monotonic_now() + immediate_stop_deadline)) child->signal(SIGKILL);
  }
  const std::lock_guard guard(mutex);
  running.reset();
}

std::shared_ptr<ChildProcess> Cluster::Impl::server() const {
  const std::lock_guard guard(mutex);
  return running;
}

Cluster::Cluster(ClusterSettings settings, Logger& log) : impl_(std::make_unique<Impl>(std::move(settings), log)) {}
Cluster::~Cluster() = default;

std::string Cluster::superuser_conninfo() const { return conninfo_of(impl_->socket_folder, "postgres", "tenon"); }
std::string Cluster::edge_conninfo() const { return conninfo_of(impl_->socket_folder, "tenon_edge", "tenon"); }
std::string Cluster::sealer_conninfo() const { return conninfo_of(impl_->socket_folder, "tenon_sealer", "tenon"); }

int Cluster::pid() const noexcept {
  const auto server = impl_->server();
  return server ? server->pid() : 0;
}

bool Cluster::alive() const noexcept {
  const auto server = impl_->server();
  return server && server->alive();
}

void Cluster::restart() {
  impl_->stop();
  impl_->start();
}

}  // namespace tenon::postgres
