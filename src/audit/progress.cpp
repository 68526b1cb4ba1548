#include "audit/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace tenon::audit {
namespace {

constexpr std::chrono::milliseconds between_lines{200};
constexpr std::uint64_t bar_width = 24;

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string duration(std::uint64_t seconds) {
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

}  // namespace

std::string progress_line(std::string_view what, std::uint64_t done, std::uint64_t total, double seconds) {
  const double part = total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto filled = static_cast<std::size_t>(part * bar_width);
  std::string line = fmt::format("{} [{}{}] {:3} %", what, std::string(filled, '#'),
                                 std::string(bar_width - filled, '.'), static_cast<int>(part * 100));
  if (seconds <= 0 || done == 0) return line;
  const double rate = static_cast<double>(done) / seconds;
  line += fmt::format("  {}/s", with_commas(static_cast<std::uint64_t>(rate)));
  if (done < total)
    line +=
        fmt::format("  {} left", duration(static_cast<std::uint64_t>(static_cast<double>(total - done) / rate + 1)));
  return line;
}

ProgressBar::ProgressBar(std::string_view what)
    : what_(what), terminal_(::isatty(STDERR_FILENO) == 1), began_(monotonic_now()), shown_(began_) {}

ProgressBar::~ProgressBar() {
  if (terminal_) std::fputs("\r\x1b[K", stderr);
}

void ProgressBar::show(std::uint64_t done, std::uint64_t total) {
  const Monotonic now = monotonic_now();
  if (!terminal_ || (now - shown_ < between_lines && done < total)) return;
  shown_ = now;
  const std::string line = progress_line(what_, done, total, std::chrono::duration<double>(now - began_).count());
  std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
}

}  // namespace tenon::audit
