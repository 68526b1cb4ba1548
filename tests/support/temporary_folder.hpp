// A folder for what a test leaves on disk.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace tenon::test {

// An empty folder directly under /tmp, whose name is short enough for a Unix socket; removed with what is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = "/tmp/tn-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), "mkdtemp");
    chmod(name.c_str(), 0711);  // a server of another user must get through
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
    if (error) std::fprintf(stderr, "%s stays: %s\n", path_.c_str(), error.message().c_str());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace tenon::test
