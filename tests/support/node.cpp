#include "support/node.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "postgres/cluster_files.hpp"
#include "safeguards/caller.hpp"
#include "support/pristine_database.hpp"

namespace tenon::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds start_patience{120};  // an initdb on a busy machine included
constexpr seconds ready_patience{30};
constexpr seconds end_patience{10};
constexpr milliseconds poll_interval{5};

// Leaks are looked for where a program ends by itself.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool ends_by_itself = true;
#else
constexpr bool ends_by_itself = false;
#endif

}  // namespace

Node::Node(NodeSettings settings)
    : data_dir_(settings.data_dir.empty() ? folder_.path() / "d" : settings.data_dir),
      secret_file_(data_dir_ / "secret"),
      name_(settings.binary.empty() ? "tenon" : settings.binary.filename().string()) {
  const std::string binary = settings.binary.empty() ? TENON_BINARY : settings.binary.string();
  std::vector<std::string> arguments{binary,     "serve",       "--data-dir", data_dir_,
                                     "--listen", "127.0.0.1:0", "--log",      folder_.path() / "log"};
  if (settings.data_dir.empty() && settings.database_url.empty()) copy_pristine_database(TENON_BINARY, data_dir_);
  if (!settings.limited) arguments.insert(arguments.end(), {"--limit", "all=off"});
  if (!settings.database_url.empty()) arguments.insert(arguments.end(), {"--database-url", settings.database_url});
  // How soon a busy machine gets its writes done is no part of what these tests are about.
  if (std::ranges::find(settings.arguments, "--queue-wait") == settings.arguments.end()) {
    arguments.insert(arguments.end(), {"--queue-wait", "0"});
  }
  arguments.insert(arguments.end(), settings.arguments.begin(), settings.arguments.end());
  const auto secret = std::ranges::find(arguments, "--secret-file");
  if (secret != arguments.end()) secret_file_ = *std::next(secret);
  program_.emplace(arguments, folder_.path() / "errors");
  if (settings.awaited) await_listening();
}

Node::~Node() {
  if (ends_by_itself) {
    program_->signal(SIGCONT);
    (void)stop();
  }
  program_->signal(SIGKILL);
  (void)program_->await_end(end_patience);
  end_database();
}

void Node::await_listening() {
  const auto address = program_->await_line(name_ + ": listening on ", start_patience);
  if (!address) throw std::runtime_error("the node did not start: " + program_->errors() + log());
  port_ = static_cast<std::uint16_t>(std::stoi(address->substr(address->rfind(':') + 1)));
}

bool Node::becomes_ready() const {
  const auto until = steady_clock::now() + ready_patience;
  while (steady_clock::now() < until) {
    if (call({.path = "/readyz"}).status == 200) return true;
    std::this_thread::sleep_for(poll_interval);
  }
  return false;
}

std::vector<pid_t> Node::database_processes() const {
  const std::filesystem::path data = data_dir_ / "postgres" / "data";
  std::vector<pid_t> processes = postgres::processes_in(data);
  pid_t postmaster = 0;
  std::ifstream(data / "postmaster.pid") >> postmaster;
  const auto first = std::ranges::find(processes, postmaster);
  if (first != processes.end()) std::iter_swap(processes.begin(), first);
  return processes;
}

void Node::end_database() const {
  const auto until = steady_clock::now() + end_patience;
  for (auto left = database_processes(); !left.empty(); left = database_processes()) {
    const bool patient = steady_clock::now() < until;
    // The postmaster ends the others, and frees what a SIGKILL would leave in the kernel.
    kill(left.front(), patient ? SIGQUIT : SIGKILL);
    for (const pid_t process : left) kill(process, SIGCONT);
    std::this_thread::sleep_for(poll_interval);
  }
}

void Node::kill_hard() {
  program_->signal(SIGKILL);
  (void)program_->await_end(end_patience);
  const auto until = steady_clock::now() + end_patience;
  while (!database_processes().empty() && steady_clock::now() < until) std::this_thread::sleep_for(poll_interval);
}

std::optional<int> Node::stop(milliseconds patience) {
  program_->signal(SIGTERM);
  return program_->await_end(patience);
}

std::string Node::conninfo(const std::filesystem::path& socket_folder, const std::string& user) {
  return "host=" + socket_folder.string() + " port=5432 user=" + user + " dbname=tenon";
}

std::string Node::token(const std::string& user, const std::string& roles, seconds lifetime) const {
  safeguards::Roles claimed = safeguards::Role::authenticated;
  std::istringstream names(roles);
  for (std::string name; names >> name;) claimed = claimed | safeguards::role_named(name).value();
  std::string secret = content_of(secret_file_);
  while (secret.ends_with('\n')) secret.pop_back();
  return safeguards::issue_token(secret, user, claimed, wall_now(), lifetime.count());
}

RawResponse Node::call(const ApiCall& call, milliseconds patience) const {
  RawClient client(port_, patience);
  client.send(bytes_of(call));
  return client.read(call.method == "HEAD");
}

NodeSettings beside(const Node& first) {
  return {.arguments = {"--secret-file", first.data_dir() / "secret"}, .database_url = first.edge()};
}

Node& shared_node() {
  static Node node;
  return node;
}

Ended run_tenon(std::vector<std::string> arguments) {
  const TemporaryFolder folder;
  arguments.insert(arguments.begin(), TENON_BINARY);
  ChildProgram program(arguments, folder.path() / "errors");
  const auto code = program.await_end(start_patience);
  if (!code) throw std::runtime_error("tenon did not end: " + program.output() + program.errors());
  return {.exit_code = *code, .output = program.output(), .errors = program.errors()};
}

}  // namespace tenon::test
