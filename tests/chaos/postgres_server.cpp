#include "chaos/postgres_server.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "postgres/cluster_data.hpp"
#include "postgres/cluster_files.hpp"

namespace tenon::chaos {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds poll_interval{10};
constexpr seconds end_patience{15};
constexpr seconds program_patience{300};

// Durable, as a node demands it. Short timeouts for replication, so that a half-open stream is noticed within a fault.
constexpr const char* settings = R"(
unix_socket_directories = ''
max_connections = 120
shared_buffers = 64MB
fsync = on
full_page_writes = on
synchronous_commit = on
wal_level = replica
max_wal_senders = 6
max_wal_size = 512MB
wal_keep_size = 256MB
wal_sender_timeout = 4s
wal_receiver_timeout = 4s
wal_retrieve_retry_interval = 200ms
hot_standby = on
jit = off
max_parallel_workers_per_gather = 0
restart_after_crash = on
logging_collector = off
log_min_messages = warning
)";

}  // namespace

PostgresServer::PostgresServer(fs::path folder, std::uint16_t port, std::vector<std::string> variables)
    : folder_(std::move(folder)),
      port_(port),
      variables_(std::move(variables)),
      program_(postgres::find_server_program("", {})),
      user_(postgres::choose_server_user(folder_ / "data")) {
  fs::create_directories(folder_);
  if (geteuid() == 0 && chown(folder_.c_str(), user_.uid, user_.gid) != 0) throw std::runtime_error("chown");
}

PostgresServer::~PostgresServer() {
  if (!child_) return;
  thaw();
  if (!stop_at_once()) kill_hard();
}

void PostgresServer::run_to_end(std::vector<std::string> arguments) const {
  const std::string program = arguments.front();
  const postgres::Descriptor output = postgres::open_log(log(), user_);
  const postgres::ChildProcess child({.arguments = std::move(arguments),
                                      .environment = postgres::server_environment(),
                                      .user = user_,
                                      .output = output.number(),
                                      .signal_when_orphaned = SIGKILL});
  if (child.wait_until(monotonic_now() + program_patience) == 0) return;
  throw std::runtime_error(program + " failed:\n" + postgres::end_of_log(log()));
}

void PostgresServer::configure() const {
  std::ofstream(data() / "chaos.conf") << "listen_addresses = '127.0.0.1'\nport = " << port_ << settings;
  std::ofstream(data() / "pg_hba.conf") << "host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n";
  for (const char* file : {"chaos.conf", "pg_hba.conf"}) {
    if (geteuid() == 0 && chown((data() / file).c_str(), user_.uid, user_.gid) != 0) throw std::runtime_error("chown");
  }
}

void PostgresServer::make() {
  run_to_end({program_.binaries / "initdb", "-D", data(), "-U", "postgres", "-A", "trust", "-E", "UTF8",
              "--locale=C.UTF-8", "--data-checksums", "--no-sync"});
  std::ofstream(data() / "postgresql.conf", std::ios::app) << "\ninclude 'chaos.conf'\n";
  configure();
}

void PostgresServer::clone(std::uint16_t primary, std::uint16_t stream) {
  fs::remove_all(data());
  run_to_end({program_.binaries / "pg_basebackup", "-D", data(), "-h", "127.0.0.1", "-p", std::to_string(primary), "-U",
              "postgres", "-X", "stream", "-c", "fast", "--no-sync"});
  configure();
  // The last word: what the primary was told by ALTER SYSTEM about its standby is in the copy too.
  std::ofstream(data() / "postgresql.auto.conf")
      << "primary_conninfo = 'host=127.0.0.1 port=" << stream
      << " user=postgres application_name=standby sslmode=disable gssencmode=disable'\n";
  std::ofstream(data() / "standby.signal").flush();
  for (const char* file : {"postgresql.auto.conf", "standby.signal"}) {
    if (geteuid() == 0 && chown((data() / file).c_str(), user_.uid, user_.gid) != 0) throw std::runtime_error("chown");
  }
}

void PostgresServer::start() {
  child_.reset();
  const postgres::Descriptor output = postgres::open_log(log(), user_);
  std::vector<std::string> environment = postgres::server_environment();
  environment.insert(environment.end(), variables_.begin(), variables_.end());
  child_.emplace(postgres::ChildSettings{.arguments = {program_.binaries / "postgres", "-D", data()},
                                         .environment = std::move(environment),
                                         .user = user_,
                                         .output = output.number(),
                                         .signal_when_orphaned = SIGQUIT});
}

bool PostgresServer::answers(milliseconds patience) const {
  const Monotonic until = monotonic_now() + patience;
  while (alive() && monotonic_now() < until) {
    try {
      (void)postgres::Session(conninfo("postgres")).execute("SELECT 1");
      return true;
    } catch (const postgres::ConnectionError&) {
      std::this_thread::sleep_for(poll_interval);
    } catch (const postgres::StatementError&) {
      std::this_thread::sleep_for(poll_interval);
    }
  }
  return false;
}

std::vector<pid_t> PostgresServer::processes() const { return postgres::processes_in(data()); }

bool PostgresServer::await_gone() const {
  const Monotonic until = monotonic_now() + end_patience;
  while (alive() || !processes().empty()) {
    if (monotonic_now() > until) return false;
    std::this_thread::sleep_for(poll_interval);
  }
  return true;
}

bool PostgresServer::stop_at_once() {
  if (child_) child_->signal(SIGQUIT);
  return await_gone();
}

bool PostgresServer::kill_hard() {
  if (child_) child_->signal(SIGKILL);
  return await_gone();
}

bool PostgresServer::kill_all() {
  if (child_) child_->signal(SIGKILL);
  for (const pid_t process : processes()) kill(process, SIGKILL);
  return await_gone();
}

void PostgresServer::freeze() const {
  for (const pid_t process : processes()) kill(process, SIGSTOP);
}

void PostgresServer::thaw() const {
  for (const pid_t process : processes()) kill(process, SIGCONT);
}

std::string PostgresServer::conninfo(const std::string& database) const {
  return "host=127.0.0.1 port=" + std::to_string(port_) + " user=postgres dbname=" + database +
         " sslmode=disable gssencmode=disable connect_timeout=5 options='-c statement_timeout=20s -c "
         "synchronous_commit=local'";
}

std::string PostgresServer::ask(const std::string& sql, const std::vector<std::string>& parameters) const {
  const postgres::Rows rows = postgres::Session(conninfo()).execute(sql, parameters);
  return rows.size() > 0 && rows.columns() > 0 ? rows.text(0, 0) : "";
}

std::string PostgresServer::log_tail() const { return postgres::end_of_log(log()); }

std::uintmax_t PostgresServer::log_size() const { return fs::file_size(log()); }

std::string PostgresServer::log_since(std::uintmax_t size) const {
  std::ifstream file(log(), std::ios::binary);
  // A log that grew beyond its bound was set aside.
  file.seekg(static_cast<std::streamoff>(size <= log_size() ? size : 0));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace tenon::chaos
