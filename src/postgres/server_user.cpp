#include "postgres/server_user.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace tenon::postgres {
namespace {

std::optional<ServerUser> found(const passwd* entry) {
  if (entry == nullptr) return std::nullopt;
  return ServerUser{entry->pw_name, entry->pw_uid, entry->pw_gid};
}

std::optional<ServerUser> look_up(uid_t uid) {
  passwd entry{};
  passwd* result = nullptr;
  std::array<char, 16 * 1024> buffer{};
  getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &result);
  return found(result);
}

std::optional<ServerUser> look_up(const char* name) {
  passwd entry{};
  passwd* result = nullptr;
  std::array<char, 16 * 1024> buffer{};
  getpwnam_r(name, &entry, buffer.data(), buffer.size(), &result);
  return found(result);
}

ServerUser required(uid_t uid) {
  if (auto user = look_up(uid)) return *user;
  throw std::runtime_error(
      "user id " + std::to_string(uid) +
      " has no name in the system's user database, and PostgreSQL needs one: add it to /etc/passwd");
}

}  // namespace

bool ServerUser::assume() const noexcept {
  if (geteuid() == uid) return true;
  // The bare system calls: glibc's would ask every thread of the forking process to follow.
  return syscall(SYS_setgroups, 1, &gid) == 0 && syscall(SYS_setresgid, gid, gid, gid) == 0 &&
         syscall(SYS_setresuid, uid, uid, uid) == 0;
}

std::optional<std::filesystem::path> ServerUser::stopped_at(const std::filesystem::path& directory) const {
  std::vector<std::filesystem::path> way;
  for (auto path = directory;; path = path.parent_path()) {
    way.insert(way.begin(), path);
    if (path == path.parent_path()) break;
  }
  // Asked of the kernel as that user, in a process of its own: modes, ACLs and mount options all count.
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    if (!assume()) _exit(255);
    for (std::size_t i = 0; i < way.size(); ++i) {
      if (access(way[i].c_str(), X_OK) != 0) _exit(static_cast<int>(i < 253 ? i + 1 : 254));
    }
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (!WIFEXITED(status) || WEXITSTATUS(status) == 255) {
    throw std::runtime_error("cannot become the user '" + name + "' to run PostgreSQL");
  }
  if (WEXITSTATUS(status) == 0) return std::nullopt;
  return way[static_cast<std::size_t>(WEXITSTATUS(status)) - 1];
}

ServerUser choose_server_user(const std::filesystem::path& data) {
  if (geteuid() != 0) return required(geteuid());
  struct stat about{};
  if (stat(data.c_str(), &about) == 0 && about.st_uid != 0) return required(about.st_uid);
  for (const char* name : {"postgres", "nobody"}) {
    if (auto user = look_up(name)) return *user;
  }
  throw std::runtime_error(
      "PostgreSQL does not run as root, and there is neither a user 'postgres' nor 'nobody' to run it as: add one, or "
      "start "
      "Tenon as an unprivileged user");
}

std::string user_name(uid_t uid) { return required(uid).name; }

}  // namespace tenon::postgres
