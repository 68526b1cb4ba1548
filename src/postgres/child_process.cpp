#include "postgres/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tenon::postgres {
namespace {

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Between fork and exec: only what is async-signal-safe, for other threads may have held any lock. Returns on failure.
void become(const ChildSettings& settings, char* const* arguments, char* const* environment, pid_t parent) {
  reset_signals();
  setsid();
  umask(077);
  if (dup2(settings.output, STDOUT_FILENO) < 0 || dup2(settings.output, STDERR_FILENO) < 0) return;
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || chdir("/") != 0) return;
  if (!settings.user.assume()) return;
  // A change of user clears it, so it comes after; and if the parent died before it was set, nobody would send it.
  if (prctl(PR_SET_PDEATHSIG, settings.signal_when_orphaned) != 0) return;
  if (getppid() != parent) {
    errno = ECHILD;
    return;
  }
  execve(arguments[0], arguments, environment);
}

}  // namespace

ChildProcess::ChildProcess(const ChildSettings& settings) {
  int failure[2];
  if (pipe2(failure, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  keeper_ = std::thread([this, &settings, end = failure[1]] { keep(settings, end); });
  // The child's exec closes its copy, and the keeper its own: the end of the pipe means that the program runs.
  int error = 0;
  ssize_t size = 0;
  do size = read(failure[0], &error, sizeof error);
  while (size < 0 && errno == EINTR);
  ::close(failure[0]);
  if (size == 0 && pid() > 0) return;  // asked under the lock, which the keeper took when it was done with `settings`
  keeper_.join();
  throw std::system_error(error, std::generic_category(), "cannot run " + settings.arguments[0]);
}

// `settings` is not looked at after the lock was first taken: the constructor may have returned by then.
void ChildProcess::keep(const ChildSettings& settings, int failure_pipe) {
  const std::vector<char*> arguments = pointers_to(settings.arguments);
  const std::vector<char*> environment = pointers_to(settings.environment);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    become(settings, arguments.data(), environment.data(), parent);
    const int error = errno;
    [[maybe_unused]] const ssize_t written = write(failure_pipe, &error, sizeof error);
    _exit(127);
  }
  if (child < 0) {
    const int error = errno;
    [[maybe_unused]] const ssize_t written = write(failure_pipe, &error, sizeof error);
    ::close(failure_pipe);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    pid_ = child;
  }
  ::close(failure_pipe);
  // Seen dead first and reaped under the lock: its pid cannot become another's while somebody signals it.
  siginfo_t dead{};
  while (waitid(P_PID, static_cast<id_t>(child), &dead, WEXITED | WNOWAIT) != 0 && errno == EINTR) continue;
  const std::lock_guard lock(mutex_);
  int status = 0;
  waitpid(child, &status, 0);
  status_ = status;
  changed_.notify_all();
}

ChildProcess::~ChildProcess() {
  signal(SIGKILL);
  keeper_.join();
}

pid_t ChildProcess::pid() const {
  const std::lock_guard lock(mutex_);
  return pid_;
}

bool ChildProcess::alive() const {
  const std::lock_guard lock(mutex_);
  return !status_;
}

void ChildProcess::signal(int number) {
  const std::lock_guard lock(mutex_);
  if (!status_) kill(pid_, number);
}

std::optional<int> ChildProcess::wait_until(Monotonic until) const {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [this] { return status_.has_value(); });
  return status_;
}

}  // namespace tenon::postgres
