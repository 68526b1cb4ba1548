#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <system_error>

#include "audit/base64.hpp"
#include "audit/sink.hpp"

namespace tenon::audit {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr off_t line_bytes_max = 64 * 1024;
constexpr std::chrono::seconds between_kept{60};

[[noreturn]] void fail(const std::string& what, const fs::path& path) {
  throw std::runtime_error("cannot " + what + " " + path.string() + ": " + std::generic_category().message(errno));
}

class File {
 public:
  File(const fs::path& path, int flags, mode_t mode = 0644)
      : path_(path), number_(open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (number_ < 0) fail("open", path);
  }
  ~File() { close(number_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] off_t size() const {
    struct stat about{};
    if (fstat(number_, &about) != 0) fail("read", path_);
    return about.st_size;
  }
  [[nodiscard]] std::string end(off_t bytes) const {
    const off_t all = size();
    std::string text(static_cast<std::size_t>(std::min(all, bytes)), '\0');
    const ssize_t got = pread(number_, text.data(), text.size(), all - static_cast<off_t>(text.size()));
    if (got < 0) fail("read", path_);
    text.resize(static_cast<std::size_t>(got));
    return text;
  }
  // In one call where the system takes it so: a line is there whole or, after a crash, torn at its end.
  void append(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t written = write(number_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("write", path_);
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    flush();
  }
  void flush() const {
    if (fsync(number_) != 0) fail("flush", path_);
  }

 private:
  fs::path path_;
  int number_;
};

// The second line of a checkpoint.
std::optional<std::uint64_t> size_said_in(std::string_view note) {
  const std::size_t begin = note.find('\n');
  if (begin == std::string_view::npos) return std::nullopt;
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(note.data() + begin + 1, note.data() + note.size(), size);
  if (error != std::errc{} || end == note.data() + note.size() || *end != '\n') return std::nullopt;
  return size;
}

std::optional<Publication> publication_in(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  auto note = base64_decode(line.substr(space + 1));
  if (!note) return std::nullopt;
  const auto size = size_said_in(*note);
  if (!size || std::to_string(*size) != line.substr(0, space)) return std::nullopt;
  return Publication{.size = *size, .note = *std::move(note)};
}

class FileSink final : public CheckpointSink {
 public:
  explicit FileSink(const fs::path& file) : file_(file), place_(file.string()) {}
  [[nodiscard]] const std::string& place() const noexcept override { return place_; }
  [[nodiscard]] bool takes_each() const noexcept override { return true; }

  [[nodiscard]] std::optional<Publication> newest() const override {
    std::error_code error;
    if (!fs::exists(file_, error) && !error) return std::nullopt;
    std::string text = File(file_, O_RDONLY).end(line_bytes_max);
    // What follows the last line break was torn in a crash.
    while (!text.empty()) {
      const std::size_t end = text.rfind('\n');
      if (end == std::string::npos) return std::nullopt;
      const std::size_t before = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
      const std::size_t begin = before == std::string::npos ? 0 : before + 1;
      if (auto found = publication_in(std::string_view(text).substr(begin, end - begin))) return found;
      text.resize(begin == 0 ? 0 : begin);
      if (begin == 0) break;
    }
    return std::nullopt;
  }

  asio::awaitable<void> publish(Publication publication, Monotonic /*deadline*/) override {
    const bool is_new = !fs::exists(file_);
    const File file(file_, O_RDWR | O_APPEND | O_CREAT);
    const std::string end = file.end(1);
    file.append((end.empty() || end == "\n" ? "" : "\n") + std::to_string(publication.size) + " " +
                base64(publication.note) + "\n");
    if (is_new) File(file_.parent_path().empty() ? "." : file_.parent_path(), O_RDONLY | O_DIRECTORY).flush();
    co_return;
  }

 private:
  fs::path file_;
  std::string place_;
};

class FolderSink final : public CheckpointSink {
 public:
  explicit FolderSink(const fs::path& folder) : folder_(folder), place_(folder.string()) {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) throw std::runtime_error("cannot make the folder " + place_ + ": " + error.message());
    if (access(folder_.c_str(), W_OK | X_OK) != 0) fail("write to", folder_);
  }
  [[nodiscard]] const std::string& place() const noexcept override { return place_; }
  [[nodiscard]] bool takes_each() const noexcept override { return false; }

  [[nodiscard]] std::optional<Publication> newest() const override {
    const fs::path path = folder_ / "checkpoint";
    std::error_code error;
    if (!fs::exists(path, error) && !error) return std::nullopt;
    std::ifstream in(path, std::ios::binary);
    std::string note{std::istreambuf_iterator<char>(in), {}};
    const auto size = size_said_in(note);
    if (!size) throw std::runtime_error(path.string() + " is no checkpoint");
    return Publication{.size = *size, .note = std::move(note)};
  }

  asio::awaitable<void> publish(Publication publication, Monotonic deadline) override {
    if (!kept_ || deadline - *kept_ >= between_kept) {
      std::string digits = std::to_string(publication.size);
      digits.insert(0, 20 - std::min<std::size_t>(20, digits.size()), '0');
      replace("checkpoint-" + digits, publication.note);
      kept_ = deadline;
    }
    // Another sealer may have gone on while this one waited for a place of its own.
    if (const auto there = newest(); !there || there->size <= publication.size) {
      replace("checkpoint", publication.note);
    }
    co_return;
  }

 private:
  // Whole under its name, or not at all.
  void replace(const std::string& name, const std::string& content) const {
    const fs::path draft = folder_ / ("." + name + "." + std::to_string(getpid()));
    File(draft, O_WRONLY | O_CREAT | O_TRUNC).append(content);
    if (rename(draft.c_str(), (folder_ / name).c_str()) != 0) fail("write", folder_ / name);
    File(folder_, O_RDONLY | O_DIRECTORY).flush();
  }

  fs::path folder_;
  std::string place_;
  std::optional<Monotonic> kept_;  // the deadline of the last one that stays
};

}  // namespace

std::unique_ptr<CheckpointSink> file_sink(const fs::path& file) { return std::make_unique<FileSink>(file); }

std::unique_ptr<CheckpointSink> folder_sink(const fs::path& folder) { return std::make_unique<FolderSink>(folder); }

std::unique_ptr<CheckpointSink> sink_to(const std::string& place, const fs::path& authorities) {
  if (place.empty()) throw std::runtime_error("a place for checkpoints is a folder or an https:// URL");
  return place.find("://") != std::string::npos ? https_sink(place, authorities) : folder_sink(place);
}

}  // namespace tenon::audit
