#include "support/child_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace tenon::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

bool readable(int fd, steady_clock::time_point until) {
  const auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, std::max(0, static_cast<int>(left.count()))) > 0;
}

// Between fork and exec: async-signal-safe calls only. Returns on failure.
void become(char* const* arguments, int output, int errors, pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) return;
  if (dup2(output, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0) return;
  execv(arguments[0], arguments);
}

}  // namespace

ChildProgram::ChildProgram(const std::vector<std::string>& arguments, std::filesystem::path errors)
    : errors_(std::move(errors)) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  const int error_file = open(errors_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  std::array<int, 2> ends{};
  if (error_file < 0 || pipe2(ends.data(), O_CLOEXEC) != 0) fail("cannot prepare a child");
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    become(pointers.data(), ends[1], error_file, parent);
    _exit(127);
  }
  close(ends[1]);
  close(error_file);
  pipe_ = ends[0];
  if (pid_ < 0) fail("fork");
  handle_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (handle_ < 0) fail("pidfd_open");
}

ChildProgram::~ChildProgram() {
  signal(SIGKILL);
  if (!ended_) waitpid(pid_, nullptr, 0);
  close(handle_);
  close(pipe_);
}

void ChildProgram::signal(int number) const {
  if (!ended_) kill(pid_, number);
}

bool ChildProgram::read_more(steady_clock::time_point until) {
  if (!readable(pipe_, until)) return false;
  std::array<char, 4096> bytes;
  const ssize_t size = read(pipe_, bytes.data(), bytes.size());
  if (size <= 0) return false;
  output_.append(bytes.data(), static_cast<std::size_t>(size));
  return true;
}

std::optional<std::string> ChildProgram::await_line(const std::string& beginning, milliseconds patience) {
  const auto until = steady_clock::now() + patience;
  do {
    const std::string text = "\n" + output_;
    const std::size_t at = text.find("\n" + beginning);
    const std::size_t end = at == std::string::npos ? at : text.find('\n', at + 1);
    if (end != std::string::npos) {
      const std::size_t begin = at + 1 + beginning.size();
      return text.substr(begin, end - begin);
    }
  } while (read_more(until));
  return std::nullopt;
}

std::optional<int> ChildProgram::await_end(milliseconds patience) {
  const auto until = steady_clock::now() + patience;
  while (read_more(until)) continue;
  if (ended_) return result_;
  if (!readable(handle_, until)) return std::nullopt;
  int status = 0;
  waitpid(pid_, &status, 0);
  ended_ = true;
  result_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return result_;
}

std::string ChildProgram::errors() const { return content_of(errors_); }

std::string content_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace tenon::test
