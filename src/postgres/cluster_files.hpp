// The embedded cluster's folder: data/, socket/, log/ and node.lock, and the configuration written at each start.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "postgres/server_user.hpp"

namespace tenon::postgres {

// An open file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

struct ClusterFiles {
  std::filesystem::path root;  // absolute

  [[nodiscard]] std::filesystem::path data() const { return root / "data"; }
  [[nodiscard]] std::filesystem::path unfinished_data() const { return root / "data.unfinished"; }
  [[nodiscard]] std::filesystem::path log() const { return root / "log" / "postgres.log"; }
};

// Makes the folder and what stands in it, mode 0700, and gives them to `user`. Throws std::runtime_error when that
// cannot be, or `user` could not reach it.
void make_folders(const ClusterFiles& files, const ServerUser& user);

// Held until closed, by the kernel's doing also when this process is killed. Throws std::runtime_error when another
// process has it.
[[nodiscard]] Descriptor lock_folder(const ClusterFiles& files);

// For appending; a file that grew beyond its bound is set aside first (one is kept). Throws std::system_error.
[[nodiscard]] Descriptor open_log(const std::filesystem::path& path, const ServerUser& user);
[[nodiscard]] std::string end_of_log(const std::filesystem::path& path);

// <root>/socket, or where that is too long for a Unix socket's address (or has a comma, which separates hosts in a
// conninfo) a new folder under /tmp, noted in
// <root>/socket_folder so that one left behind by a killed node is removed at the next start.
[[nodiscard]] std::filesystem::path make_socket_folder(const ClusterFiles& files, const ServerUser& user);
void remove_socket_folder(const ClusterFiles& files, const ServerUser& user) noexcept;

// tenon.conf, pg_hba.conf and pg_ident.conf in `data`, each replaced as a whole.
void write_configuration(const std::filesystem::path& data, const std::filesystem::path& socket_folder,
                         int connections_max, const ServerUser& user);

void sync_folder(const std::filesystem::path& folder);

// PostgreSQL's processes whose working directory is `data`: a postmaster, and whatever an earlier one left behind.
[[nodiscard]] std::vector<pid_t> processes_in(const std::filesystem::path& data);

}  // namespace tenon::postgres
