// A line on a terminal that says how far a long work is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace tenon::audit {

// "verify [#####.....]  50 %  81,000/s  12 s left". Pure.
[[nodiscard]] std::string progress_line(std::string_view what, std::uint64_t done, std::uint64_t total, double seconds);

// Writes to standard error when that is a terminal, a few times a second; else nothing at all.
class ProgressBar {
 public:
  explicit ProgressBar(std::string_view what);
  ~ProgressBar();  // clears the line
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void show(std::uint64_t done, std::uint64_t total);

 private:
  std::string_view what_;
  bool terminal_;
  Monotonic began_;
  Monotonic shown_;
};

}  // namespace tenon::audit
