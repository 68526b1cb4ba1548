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

// JSON escapes cover C0 controls; U+2028, U+2029, DEL and C1 controls still end or colour a line in some viewers.
void append_log_string(std::string& out, std::string_view text) {
  const std::size_t start = out.size();
  append_json_string(out, text);
  for (const auto& [bytes, escape] : {std::pair<std::string_view, std::string_view>{"\xe2\x80\xa8", "\\u2028"},
                                      {"\xe2\x80\xa9", "\\u2029"},
                                      {"\x7f", "\\u007f"},
                                      {"\xc2\x85", "\\u0085"},
                                      {"\xc2\x9b", "\\u009b"}}) {
    for (std::size_t at = start; (at = out.find(bytes, at)) != std::string::npos; at += escape.size()) {
      out.replace(at, bytes.size(), escape);
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
