#include "postgres/cluster_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace tenon::postgres {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t log_bytes_max = 16 * 1024 * 1024;
constexpr std::size_t log_end_bytes = 1'500;
// sockaddr_un has room for 107 bytes, of which "/.s.PGSQL.5432.lock" takes 19 (the lock file is no socket, but close).
constexpr std::size_t socket_folder_bytes_max = 88;

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

// Where we are root, `user` may own the folders: a link that he put there must not lead us elsewhere.
void make_private_folder(const fs::path& path, const ServerUser& user) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail("cannot make " + path.string());
  const Descriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.number() < 0) fail("cannot open " + path.string());
  struct stat about{};
  if (fstat(folder.number(), &about) != 0) fail(path.string());
  if (about.st_uid != user.uid && fchown(folder.number(), user.uid, user.gid) != 0) {
    fail("cannot give " + path.string() + " to the user '" + user.name + "'");
  }
  if ((about.st_mode & 07777) != 0700 && fchmod(folder.number(), 0700) != 0) fail("cannot close " + path.string());
}

void replace_file(const fs::path& path, std::string_view content, const ServerUser& user) {
  const fs::path fresh = path.string() + ".new";
  unlink(fresh.c_str());
  const Descriptor file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.number() < 0) fail("cannot write " + fresh.string());
  while (!content.empty()) {
    const ssize_t written = write(file.number(), content.data(), content.size());
    if (written < 0 && errno != EINTR) fail("cannot write " + fresh.string());
    if (written > 0) content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (geteuid() == 0 && fchown(file.number(), user.uid, user.gid) != 0) fail("cannot give away " + fresh.string());
  if (fsync(file.number()) != 0 || rename(fresh.c_str(), path.c_str()) != 0) fail("cannot write " + path.string());
}

// A string literal of postgresql.conf that lists one folder, whatever characters are in its name.
std::string folder_list(const fs::path& folder) {
  std::string literal = "'\"";
  for (const char character : folder.string()) {
    if (character == '\'' || character == '"' || character == '\\') literal.push_back(character);
    literal.push_back(character);
  }
  return literal + "\"'";
}

std::string settings_text(const fs::path& socket_folder, int connections_max) {
  return "# Written by Tenon at each start. Put settings of your own into local.conf beside this file.\n"
         "listen_addresses = ''\n"
         "unix_socket_directories = " +
         folder_list(socket_folder) +
         "\n"
         "unix_socket_permissions = 0700\n"
         "port = 5432\n"
         "max_connections = " +
         std::to_string(connections_max) +
         "\n"
         "shared_buffers = 256MB\n"
         "wal_level = replica\n"
         "max_wal_size = 4GB\n"
         "min_wal_size = 512MB\n"
         "checkpoint_timeout = 15min\n"
         "jit = off\n"
         "max_parallel_workers_per_gather = 0\n"
         "track_io_timing = off\n"
         "autovacuum = on\n"
         "timezone = 'UTC'\n"
         "log_timezone = 'UTC'\n"
         "lc_messages = 'C'\n"
         "log_destination = 'stderr'\n"
         "logging_collector = off\n"
         "log_min_messages = warning\n"
         "log_line_prefix = '%m [%p] '\n"
         "include_if_exists 'local.conf'\n"
         "# What a commit promises is not for local.conf to change.\n"
         "fsync = on\n"
         "synchronous_commit = on\n"
         "full_page_writes = on\n";
}

std::string identities_text(const ServerUser& user) {
  const std::set<std::string> names{"root", user.name, user_name(geteuid())};
  std::string text = "# Written by Tenon at each start: who of this machine may log in as whom.\n";
  for (const std::string& name : names) {
    for (const char* role : {"postgres", "tenon_edge", "tenon_auditor", "tenon_sealer"}) {
      text += "tenon \"" + name + "\" " + role + "\n";
    }
  }
  return text;
}

constexpr std::string_view access_text =
    "# Written by Tenon at each start: this machine's own users, over the socket, and nobody else.\n"
    "local all postgres,tenon_edge,tenon_auditor,tenon_sealer peer map=tenon\n";

fs::path note_of(const ClusterFiles& files) { return files.root / "socket_folder"; }

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

void make_folders(const ClusterFiles& files, const ServerUser& user) {
  // The way there is not secret, and the server's user must be able to go it; what is secret is made private below.
  std::error_code error;
  fs::create_directories(files.root.parent_path(), error);
  if (error) throw std::runtime_error("cannot make " + files.root.parent_path().string() + ": " + error.message());
  make_private_folder(files.root, user);
  if (const auto closed = user.stopped_at(files.root)) {
    throw std::runtime_error("PostgreSQL runs as the user '" + user.name + "', who may not enter " + closed->string() +
                             ": choose a --data-dir that he can reach (such as /var/lib/tenon), or chmod o+x " +
                             closed->string() + ", or start Tenon as an unprivileged user");
  }
  make_private_folder(files.root / "log", user);
}

Descriptor lock_folder(const ClusterFiles& files) {
  const fs::path path = files.root / "node.lock";
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.number() < 0) fail("cannot open " + path.string());
  if (flock(file.number(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) fail("cannot lock " + path.string());
  throw std::runtime_error("another node is running on " + files.root.string() +
                           ": stop it, or choose another --data-dir");
}

Descriptor open_log(const fs::path& path, const ServerUser& user) {
  struct stat about{};
  if (lstat(path.c_str(), &about) == 0 && static_cast<std::uintmax_t>(about.st_size) > log_bytes_max) {
    if (rename(path.c_str(), (path.string() + ".old").c_str()) != 0) fail("cannot set aside " + path.string());
  }
  Descriptor file(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.number() < 0) fail("cannot open " + path.string());
  if (geteuid() == 0 && fchown(file.number(), user.uid, user.gid) != 0) fail("cannot give away " + path.string());
  return file;
}

std::string end_of_log(const fs::path& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const auto size = static_cast<std::size_t>(std::max<std::streamoff>(0, file.tellg()));
  const std::size_t wanted = std::min(size, log_end_bytes);
  std::string text(wanted, '\0');
  file.seekg(static_cast<std::streamoff>(size - wanted));
  file.read(text.data(), static_cast<std::streamsize>(wanted));
  return text;
}

fs::path make_socket_folder(const ClusterFiles& files, const ServerUser& user) {
  fs::path folder = files.root / "socket";
  if (folder.string().size() <= socket_folder_bytes_max && folder.string().find(',') == std::string::npos) {
    make_private_folder(folder, user);
    return folder;
  }
  remove_socket_folder(files, user);
  std::string name = "/tmp/tenon-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) fail("cannot make a folder under /tmp");
  folder = name;
  make_private_folder(folder, user);
  replace_file(note_of(files), name, user);
  return folder;
}

void remove_socket_folder(const ClusterFiles& files, const ServerUser& user) noexcept {
  std::ifstream file(note_of(files));
  std::string name;
  struct stat about{};
  // Anybody may make a folder in /tmp: only one that is the server's own is ours to remove.
  if (std::getline(file, name) && name.starts_with("/tmp/tenon-") && lstat(name.c_str(), &about) == 0 &&
      S_ISDIR(about.st_mode) && about.st_uid == user.uid) {
    std::error_code ignored;
    fs::remove_all(name, ignored);
  }
  unlink(note_of(files).c_str());
}

void write_configuration(const fs::path& data, const fs::path& socket_folder, int connections_max,
                         const ServerUser& user) {
  replace_file(data / "tenon.conf", settings_text(socket_folder, connections_max), user);
  replace_file(data / "pg_hba.conf", access_text, user);
  replace_file(data / "pg_ident.conf", identities_text(user), user);
}

void sync_folder(const fs::path& folder) {
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.number() < 0 || fsync(opened.number()) != 0) fail("cannot sync " + folder.string());
}

std::vector<pid_t> processes_in(const fs::path& data) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto [end, parsed] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed != std::errc() || end != name.data() + name.size()) continue;
    std::error_code gone;
    if (fs::read_symlink(entry.path() / "cwd", gone) != data || gone) continue;
    std::string program;
    std::getline(std::ifstream(entry.path() / "comm"), program);
    if (program == "postgres") found.push_back(pid);  // and not somebody's shell
  }
  return found;
}

}  // namespace tenon::postgres
