#include "base/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>

#include "base/clock.hpp"
#include "base/json_string.hpp"
#include "base/log_file.hpp"

namespace tenon {
namespace {

constexpr std::size_t kept_bytes_max = 4'096;  // of a thread's buffer for one line

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

constexpr bool is_plain(char c) noexcept { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; }

// Eight characters at a time: the high bit of a byte of `odd` is set where (or after where) one is not plain.
bool all_plain(std::string_view text) noexcept {
  constexpr std::uint64_t each = 0x0101010101010101;
  constexpr std::uint64_t high = each * 0x80;
  const auto has_zero = [](std::uint64_t word) { return (word - each) & ~word & high; };
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), sizeof word);
    const std::uint64_t controls = (word - each * ' ') & ~word;
    const std::uint64_t beyond = word | (word + each);  // 0x7f and above
    const std::uint64_t odd = controls | beyond | has_zero(word ^ (each * '"')) | has_zero(word ^ (each * '\\'));
    if ((odd & high) != 0) return false;
  }
  return std::ranges::all_of(text, is_plain);
}

// JSON escapes cover the C0 controls. DEL, the C1 controls (U+0080 to U+009F), U+2028 and U+2029 still end or colour a
// line in some viewers: they are escaped too. One pass over text that json_string has made valid UTF-8.
void append_escaped(std::string& out, std::string_view text) {
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

// A line is written for every request: what needs no escape, as nearly everything, is copied as it is.
void append_log_string(std::string& out, std::string_view text) {
  if (!all_plain(text)) return append_escaped(out, text);
  out.push_back('"');
  out += text;
  out.push_back('"');
}

template <class Number, class... Format>
void append_number(std::string& out, Number number, Format... format) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, format...).ptr;
  out.append(digits.data(), end);
}

void append_padded(std::string& out, unsigned number, int width) {
  for (unsigned unit = width == 4 ? 1000 : width == 3 ? 100 : 10; unit > 0; unit /= 10) {
    out.push_back(static_cast<char>('0' + number / unit % 10));
  }
}

// 1.234: three places, whatever they are, as each line has one and a double's shortest digits take their time.
void append_milliseconds(std::string& out, std::chrono::microseconds time) {
  const auto count = std::max<std::int64_t>(time.count(), 0);
  append_number(out, count / 1000);
  out.push_back('.');
  for (std::int64_t unit = 100; unit > 0; unit /= 10) out.push_back(static_cast<char>('0' + count / unit % 10));
}

// 2026-01-31T23:59:59
std::string second_text(std::chrono::sys_seconds at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  std::string out;
  append_padded(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  for (const auto& [before, number] : {std::pair{'-', static_cast<unsigned>(date.month())},
                                       {'-', static_cast<unsigned>(date.day())},
                                       {'T', static_cast<unsigned>(time.hours().count())},
                                       {':', static_cast<unsigned>(time.minutes().count())},
                                       {':', static_cast<unsigned>(time.seconds().count())}}) {
    out.push_back(before);
    append_padded(out, number, 2);
  }
  return out;
}

// 2026-01-31T23:59:59.123Z. There are thousands of lines a second: each thread writes their common begin once. Valid
// until the thread's next call.
std::string_view timestamp(Instant now) {
  thread_local std::chrono::sys_seconds written{};
  thread_local std::string text = second_text(written) + ".000Z";
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  if (second != written) {
    text = second_text(second) + ".000Z";
    written = second;
  }
  auto beyond = static_cast<unsigned>(std::chrono::floor<std::chrono::milliseconds>(now - second).count());
  for (std::size_t at = text.size() - 2; at > text.size() - 5; --at, beyond /= 10) {
    text[at] = static_cast<char>('0' + beyond % 10);
  }
  return text;
}

void append_line(std::string& line, std::string_view at, LogLevel level, std::string_view name,
                 std::initializer_list<LogField> fields) {
  line.append("{\"at\":\"").append(at).append("\",\"level\":\"").append(name_of(level));
  line.append("\",\"event\":\"").append(name).push_back('"');
  for (const LogField& field : fields) {
    line.append(",\"").append(field.name).append("\":");  // a name is a word of ours, with nothing to escape
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      append_log_string(line, *text);
    } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      append_number(line, *number);
    } else if (const auto* real = std::get_if<double>(&field.value)) {
      std::isfinite(*real) ? append_number(line, *real, std::chars_format::general, 6) : void(line += "null");
    } else if (const auto* time = std::get_if<std::chrono::microseconds>(&field.value)) {
      append_milliseconds(line, *time);
    } else {
      line += std::get<bool>(field.value) ? "true" : "false";
    }
  }
  line.push_back('}');
}

}  // namespace

struct Logger::Sink {
  explicit Sink(const std::string& path) : file(path) {}
  LogFile file;
};

Logger::Logger(const std::string& path, LogLevel least) : least_(least), sink_(std::make_unique<Sink>(path)) {}

Logger::~Logger() = default;

std::string render_log_line(std::string_view at, LogLevel level, std::string_view name,
                            std::initializer_list<LogField> fields) {
  std::string line;
  append_line(line, at, level, name, fields);
  return line;
}

void Logger::event(LogLevel level, std::string_view name, std::initializer_list<LogField> fields) noexcept {
  if (!enabled(level)) return;
  try {
    thread_local std::string line;  // stays as large as it was: not made anew for each
    line.clear();
    append_line(line, timestamp(wall_now()), level, name, fields);
    sink_->file.add(line);
    if (line.capacity() > kept_bytes_max) line = std::string();
    if (level >= LogLevel::warning) sink_->file.flush();
  } catch (...) {  // a log line is never worth a request
  }
}

void Logger::flush() noexcept {
  try {
    sink_->file.flush();
  } catch (...) {
  }
}

}  // namespace tenon
