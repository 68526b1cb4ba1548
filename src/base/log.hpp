// Structured logs: one event, one line, one JSON object. Whatever a client put into a field stays inside its string.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace tenon {

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };

struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, double, bool, std::chrono::microseconds> value;  // a time: milliseconds
};

// Safe to use from any thread. Writing never throws and never blocks on anything but the sink's own write.
class Logger {
 public:
  // Writes to the file at `path`, or to standard error when it is "-". Throws std::runtime_error if it can't be opened.
  Logger(const std::string& path, LogLevel least);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  [[nodiscard]] bool enabled(LogLevel level) const noexcept { return level >= least_; }
  void event(LogLevel level, std::string_view name, std::initializer_list<LogField> fields = {}) noexcept;
  void flush() noexcept;

 private:
  struct Sink;
  LogLevel least_;
  std::unique_ptr<Sink> sink_;
};

[[nodiscard]] std::string render_log_line(std::string_view at, LogLevel level, std::string_view name,
                                          std::initializer_list<LogField> fields);

}  // namespace tenon
