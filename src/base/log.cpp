#include "base/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cmath>

#include "base/clock.hpp"
#include "base/json_string.hpp"

namespace tenon {
namespace {

constexpr std::string_view name_of(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
    case LogLevel::off:
      return "off";
  }
  return "?";
}

// JSON escapes cover the C0 controls. DEL, the C1 controls (U+0080 to U+009F), U+2028 and U+2029 still end or colour a
// line in some viewers: they are escaped too. One pass over text that append_json_string has made valid UTF-8.
void append_log_string(std::string& out, std::string_view text) {
  const std::string plain = json_string(text);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const std::string_view rest = std::string_view(plain).substr(i);
    const auto second = rest.size() > 1 ? static_cast<unsigned char>(rest[1]) : 0U;
    if (rest[0] == '\x7f') {
      out += "\\u007f";
    } else if (rest[0] == '\xc2' && second < 0xa0) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", second);
      i += 1;
    } else if (rest.starts_with("\xe2\x80\xa8") || rest.starts_with("\xe2\x80\xa9")) {
      out += rest[2] == '\xa8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out.push_back(rest[0]);
    }
  }
}

}  // namespace

struct Logger::Sink {
  std::shared_ptr<spdlog::sinks::sink> sink;
};

Logger::Logger(const std::string& path, LogLevel least) : least_(least), sink_(std::make_unique<Sink>()) {
  try {
    if (path == "-") {
      sink_->sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink_->sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    }
  } catch (const spdlog::spdlog_ex& failure) {
    throw std::runtime_error(std::string("cannot open the log: ") + failure.what());
  }
  sink_->sink->set_pattern("%v");
}

Logger::~Logger() { flush(); }

std::string render_log_line(std::string_view at, LogLevel level, std::string_view name,
                            std::initializer_list<LogField> fields) {
  std::string line = fmt::format(R"({{"at":"{}","level":"{}","event":")", at, name_of(level));
  line += name;
  line.push_back('"');
  for (const LogField& field : fields) {
    line.push_back(',');
    append_json_string(line, field.name);
    line.push_back(':');
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      append_log_string(line, *text);
    } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      fmt::format_to(std::back_inserter(line), "{}", *number);
    } else if (const auto* real = std::get_if<double>(&field.value)) {
      std::isfinite(*real) ? fmt::format_to(std::back_inserter(line), "{:.6g}", *real)
                           : fmt::format_to(std::back_inserter(line), "null");
    } else {
      line += std::get<bool>(field.value) ? "true" : "false";
    }
  }
  line.push_back('}');
  return line;
}

void Logger::event(LogLevel level, std::string_view name, std::initializer_list<LogField> fields) noexcept {
  if (!enabled(level)) return;
  try {
    const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(wall_now());
    const std::string at =
        fmt::format("{:%Y-%m-%dT%H:%M:}{:06.3f}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                    static_cast<double>(now.time_since_epoch().count() % 60'000) / 1000.0);
    const std::string line = render_log_line(at, level, name, fields);
    sink_->sink->log(spdlog::details::log_msg("tenon", spdlog::level::info, line));
    if (level >= LogLevel::warning) sink_->sink->flush();
  } catch (...) {  // a log line is never worth a request
  }
}

void Logger::flush() noexcept {
  try {
    sink_->sink->flush();
  } catch (...) {
  }
}

}  // namespace tenon
