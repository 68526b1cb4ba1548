#include "postgres/cluster_data.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "postgres/child_process.hpp"

namespace tenon::postgres {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes initdb_deadline{2};
constexpr std::chrono::seconds leftover_deadline{10};  // for what a killed node's initdb left running

void append_line(const fs::path& path, const std::string& line) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC));
  const std::string text = "\n" + line + "\n";
  if (file.number() < 0 || write(file.number(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      fsync(file.number()) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot write " + path.string());
  }
}

// A node that was killed at this point leaves its initdb's helper behind, which goes on writing until it notices. So
// what is listed may be gone when it is removed, and more may come: until then, again.
void remove_unfinished(const fs::path& path) {
  const Monotonic until = monotonic_now() + leftover_deadline;
  while (true) {
    std::error_code failed;
    fs::remove_all(path, failed);
    if (!failed && !fs::exists(path)) return;
    if (monotonic_now() > until) throw std::system_error(failed, "cannot remove " + path.string());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

void make_data(const ClusterFiles& files, const ServerUser& user, const ServerProgram& program,
               const std::vector<std::string>& more_arguments) {
  remove_unfinished(files.unfinished_data());
  std::vector<std::string> arguments{program.binaries / "initdb",
                                     "-D",
                                     files.unfinished_data(),
                                     "-U",
                                     "postgres",
                                     "--auth-local=peer",
                                     "--auth-host=reject",
                                     "-E",
                                     "UTF8",
                                     "--locale=C.UTF-8",
                                     "--lc-messages=C",
                                     "--data-checksums"};
  arguments.insert(arguments.end(), more_arguments.begin(), more_arguments.end());
  const Descriptor output = open_log(files.log(), user);
  const ChildProcess initdb({.arguments = std::move(arguments),
                             .environment = server_environment(),
                             .user = user,
                             .output = output.number(),
                             .signal_when_orphaned = SIGKILL});
  if (initdb.wait_until(monotonic_now() + initdb_deadline) != 0) throw failure_with_log("initdb failed", files);
  append_line(files.unfinished_data() / "postgresql.conf", "include 'tenon.conf'");
  sync_folder(files.unfinished_data());
  fs::rename(files.unfinished_data(), files.data());
  sync_folder(files.root);
}

std::vector<std::string> server_environment() { return {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"}; }

std::runtime_error failure_with_log(const std::string& what, const ClusterFiles& files) {
  return std::runtime_error(what + "; the end of " + files.log().string() + ":\n" + end_of_log(files.log()));
}

}  // namespace tenon::postgres
