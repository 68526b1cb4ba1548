#include "node/secret.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "base/bytes.hpp"
#include "base/limits.hpp"

namespace tenon {
namespace {

std::string reason() { return std::strerror(errno); }  // NOLINT(concurrency-mt-unsafe): before any thread

// Written whole under another name first: whoever looks meanwhile, another node perhaps, sees all of it or nothing. The
// link fails when somebody else was quicker, whose secret is then the one.
void make_secret(const std::filesystem::path& file) {
  std::array<std::uint8_t, 32> random{};
  fill_random(random);
  const std::string text = hex(random) + "\n";
  const std::string draft = file.string() + "." + std::to_string(::getpid());
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error("cannot write " + draft + ": " + reason());
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  const bool linked = written && (::link(draft.c_str(), file.c_str()) == 0 || errno == EEXIST);
  const std::string why = linked ? "" : reason();
  ::unlink(draft.c_str());
  if (!linked) throw std::runtime_error("cannot write " + file.string() + ": " + why);
}

}  // namespace

void make_data_dir(const std::filesystem::path& data_dir) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(data_dir, error);
  if (error) throw std::runtime_error("cannot make the data directory " + data_dir.string() + ": " + error.message());
  if (made) ::chmod(data_dir.c_str(), 0711);
}

std::string read_secret(const std::filesystem::path& file, bool make) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) {
    if (!make)
      throw std::runtime_error("there is no secret at " + file.string() + ": start the node once, it makes one");
    make_secret(file);
    if (::stat(file.c_str(), &info) != 0) throw std::runtime_error("cannot read " + file.string() + ": " + reason());
  }
  if ((info.st_mode & 077) != 0) {
    throw std::runtime_error(file.string() + " can be read or written by others: run chmod 600 " + file.string());
  }
  std::ifstream in(file);
  std::string secret{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && secret.empty()) throw std::runtime_error("cannot read " + file.string());
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
  if (secret.size() < limits::secret_bytes_min) {
    throw std::runtime_error(file.string() + " holds fewer than " + std::to_string(limits::secret_bytes_min) +
                             " bytes: a secret that short can be guessed");
  }
  return secret;
}

}  // namespace tenon
