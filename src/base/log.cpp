#include "base/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "base/clock.hpp"
#include "base/eight_characters.hpp"
#include "base/json_string.hpp"
#include "base/log_file.hpp"
#include "base/text_writer.hpp"

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

bool all_plain(std::string_view text) noexcept {
  const auto odd = [](EightCharacters eight) {
    return eight.below(' ') | eight.from_delete_on() | eight.equal('"') | eight.equal('\\');
  };
  return all_right(text, odd, is_plain);
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
void write_string(TextWriter& to, std::string_view text) {
  if (all_plain(text)) {
    to.text("\"").text(text).text("\"");
  } else {
    std::string escaped;
    append_escaped(escaped, text);
    to.text(escaped);
  }
}

constexpr char digit_of(unsigned number) noexcept { return static_cast<char>('0' + number % 10); }  // the last one

void append_padded(std::string& out, unsigned number, int width) {
  for (unsigned unit = width == 4 ? 1000 : width == 3 ? 100 : 10; unit > 0; unit /= 10) {
    out.push_back(digit_of(number / unit));
  }
}

// 1.234: three places, whatever they are, as each line has one and a double's shortest digits take their time.
void write_milliseconds(TextWriter& to, std::chrono::microseconds time) {
  const auto count = std::max<std::int64_t>(time.count(), 0);
  const auto beyond = static_cast<unsigned>(count % 1000);
  const std::array places{'.', digit_of(beyond / 100), digit_of(beyond / 10), digit_of(beyond)};
  to.number(count / 1000).text({places.data(), places.size()});
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
    text[at] = digit_of(beyond);
  }
  return text;
}

// What a line is at most, with every character of its texts escaped.
std::size_t line_characters_max(std::string_view at, std::string_view name, std::initializer_list<LogField> fields) {
  constexpr std::size_t escaped = 6;  // as \u0000
  constexpr std::size_t around_all = 64;
  constexpr std::size_t around_one = 8;
  std::size_t most = around_all + at.size() + name.size();
  for (const LogField& field : fields) {
    const auto* text = std::get_if<std::string_view>(&field.value);
    most += around_one + field.name.size() + (text != nullptr ? escaped * text->size() : number_characters_max);
  }
  return most;
}

void write_value(TextWriter& to, const LogField& field) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    write_string(to, *text);
  } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
    to.number(*number);
  } else if (const auto* real = std::get_if<double>(&field.value)) {
    std::isfinite(*real) ? to.number(*real, std::chars_format::general, 6) : to.text("null");
  } else if (const auto* time = std::get_if<std::chrono::microseconds>(&field.value)) {
    write_milliseconds(to, *time);
  } else {
    to.text(std::get<bool>(field.value) ? "true" : "false");
  }
}

void append_line(std::string& line, std::string_view at, LogLevel level, std::string_view name,
                 std::initializer_list<LogField> fields) {
  append_at_most(line, line_characters_max(at, name, fields), [&](TextWriter& to) {
    to.text("{\"at\":\"").text(at).text("\",\"level\":\"").text(name_of(level));
    to.text("\",\"event\":\"").text(name).text("\"");
    for (const LogField& field : fields) {
      to.text(",\"").text(field.name).text("\":");  // a name is a word of ours, with nothing to escape
      write_value(to, field);
    }
    to.text("}");
  });
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
    if (line.capacity() > kept_bytes_max) std::string().swap(line);  // an assignment would keep it
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
