#include "base/log_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace tenon {
namespace {

constexpr std::size_t written_from = 64 * 1024;
constexpr std::chrono::milliseconds written_within{100};
constexpr std::size_t collected_max = 1024 * 1024;  // then who logs waits for the disk

int open_for_appending(const std::filesystem::path& path) {
  std::error_code ignored;  // what matters is whether it can be opened then
  std::filesystem::create_directories(path.parent_path(), ignored);
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

// How many could be written.
std::size_t write_all(int descriptor, std::string_view bytes) noexcept {
  std::size_t all = 0;
  while (all < bytes.size()) {
    const ssize_t written = ::write(descriptor, bytes.data() + all, bytes.size() - all);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    all += static_cast<std::size_t>(written);
  }
  return all;
}

}  // namespace

LogFile::LogFile(const std::string& path)
    : descriptor_(path == "-" ? STDERR_FILENO : open_for_appending(path)), owned_(path != "-") {
  if (descriptor_ < 0) throw std::runtime_error("cannot open the log " + path + ": " + std::strerror(errno));
  if (owned_) keeper_ = std::jthread([this](const std::stop_token& stop) { keep_written(stop); });
}

LogFile::~LogFile() {
  keeper_ = {};
  flush();
  if (owned_) ::close(descriptor_);
}

void LogFile::add(std::string_view line) {
  std::size_t collected = 0;
  {
    const std::lock_guard lock(collecting_);
    collected_.append(line).push_back('\n');
    collected = collected_.size();
  }
  if (!owned_ || collected >= collected_max) return flush();
  if (collected < written_from) return;
  if (std::unique_lock turn(writing_, std::try_to_lock); turn.owns_lock()) write_collected(std::move(turn));
}

// A quiet node's lines are there for whoever looks, too.
void LogFile::keep_written(const std::stop_token& stop) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  while (!never.wait_for(lock, stop, written_within, [&] { return stop.stop_requested(); })) flush();
}

void LogFile::flush() { write_collected(std::unique_lock(writing_)); }

void LogFile::write_collected(std::unique_lock<std::mutex>) {
  leaving_.clear();
  {
    const std::lock_guard lock(collecting_);
    leaving_.swap(collected_);
  }
  if (leaving_.empty()) return;
  if (cut_ && write_all(descriptor_, "\n") == 0) return;
  const std::size_t written = write_all(descriptor_, leaving_);
  cut_ = written > 0 && leaving_[written - 1] != '\n';
}

}  // namespace tenon
