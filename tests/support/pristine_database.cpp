#include "support/pristine_database.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "postgres/cluster_files.hpp"
#include "support/child_program.hpp"
#include "support/cluster.hpp"

namespace tenon::test {
namespace {

namespace fs = std::filesystem;

void run(const std::vector<std::string>& command) {
  const TemporaryFolder folder;
  ChildProgram program(command, folder.path() / "errors");
  if (program.await_end(std::chrono::minutes(1)) == 0) return;
  throw std::runtime_error(command.front() + " failed: " + program.errors());
}

// With their owner, who is the server's user.
void copy_all(const fs::path& from, const fs::path& to) { run({"/bin/cp", "-a", from, to}); }

void make(const fs::path& program, const fs::path& pristine) {
  const TemporaryFolder folder;  // the server's user reaches /tmp, but perhaps not where we were built
  const fs::path data_dir = folder.path() / "d";
  ChildProgram node(
      {program, "serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0", "--log", folder.path() / "log"},
      folder.path() / "errors");
  const bool started = node.await_line("tenon: listening on ", std::chrono::minutes(2)).has_value();
  node.signal(SIGTERM);
  if (!started || node.await_end(std::chrono::minutes(1)) != 0) {
    throw std::runtime_error("no database was made: " + node.errors() + content_of(folder.path() / "log"));
  }
  fs::remove_all(pristine);
  copy_all(data_dir / "postgres" / "data", pristine);
  fs::last_write_time(pristine, fs::file_time_type::clock::now());  // cp -a kept the old one
}

}  // namespace

void copy_pristine_database(const fs::path& program, const fs::path& data_dir) {
  const fs::path pristine = program.parent_path() / "pristine_database";
  const postgres::Descriptor lock(open((pristine.string() + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.number() < 0 || flock(lock.number(), LOCK_EX) != 0)
    throw std::runtime_error("no lock on " + pristine.string());
  if (!fs::exists(pristine) || fs::last_write_time(pristine) < fs::last_write_time(program)) make(program, pristine);
  fs::create_directories(data_dir);
  fs::permissions(data_dir, fs::perms(0711));
  fs::create_directories(data_dir / "postgres");
  copy_all(pristine, data_dir / "postgres" / "data");
}

}  // namespace tenon::test
