#include "encoding/http_date.hpp"

#include <algorithm>
#include <array>

namespace tenon {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> day_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// What four digits of year can say. Instants outside are not parsed, and written as the nearest one inside.
constexpr Instant earliest = sys_days{year{0} / January / 1};
constexpr Instant latest = sys_days{year{10'000} / January / 1} - microseconds{1};

// Reads a text of fixed layout from the left; after the first mismatch it stays failed.
class Reader {
 public:
  explicit constexpr Reader(std::string_view text) noexcept : rest_(text) {}

  constexpr int digits(std::size_t count) noexcept {
    if (rest_.size() < count) return fail();
    int value = 0;
    for (const char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return fail();
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  constexpr void literal(std::string_view expected) noexcept {
    if (!take(expected)) fail();
  }
  // Takes `expected` if it comes next; not a failure if it doesn't.
  constexpr bool take(std::string_view expected) noexcept {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  template <std::size_t N>
  constexpr unsigned name(const std::array<std::string_view, N>& names) noexcept {
    for (unsigned i = 0; i < N; ++i) {
      if (take(names[i])) return i;
    }
    fail();
    return 0;
  }
  constexpr std::size_t digits_ahead() const noexcept {
    const std::size_t end = rest_.find_first_not_of("0123456789");
    return end == std::string_view::npos ? rest_.size() : end;
  }
  constexpr int fail() noexcept {
    failed_ = true;
    return 0;
  }
  [[nodiscard]] constexpr bool succeeded() const noexcept { return !failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

struct TimeOfDay {
  int hour, minute, second;
  [[nodiscard]] constexpr bool ok() const noexcept { return hour < 24 && minute < 60 && second < 60; }
  [[nodiscard]] constexpr seconds since_midnight() const noexcept {
    return hours{hour} + minutes{minute} + seconds{second};
  }
};

TimeOfDay read_time(Reader& reader) noexcept {
  TimeOfDay time{};
  time.hour = reader.digits(2);
  reader.literal(":");
  time.minute = reader.digits(2);
  reader.literal(":");
  time.second = reader.digits(2);
  return time;
}

// ".123" or nothing: the microseconds, and the grain that so many digits have.
std::pair<microseconds, std::int64_t> read_fraction(Reader& reader) noexcept {
  if (!reader.take(".")) return {microseconds{0}, 1'000'000};
  const std::size_t count = reader.digits_ahead();
  if (count < 1 || count > 6) return {microseconds{reader.fail()}, 1};
  std::int64_t value = reader.digits(count);
  for (std::size_t i = count; i < 6; ++i) value *= 10;
  return {microseconds{value}, count <= 3 ? 1'000 : 1};
}

minutes read_offset(Reader& reader) noexcept {
  if (reader.take("Z")) return minutes{0};
  const bool west = reader.take("-");
  if (!west) reader.literal("+");
  const int hour = reader.digits(2);
  reader.literal(":");
  const int minute = reader.digits(2);
  if (hour > 23 || minute > 59) reader.fail();
  const minutes offset = hours{hour} + minutes{minute};
  return west ? -offset : offset;
}

void append_digits(std::string& out, std::int64_t value, int width) {
  std::array<char, 8> digits;
  for (int i = width; i-- > 0; value /= 10) digits[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
  out.append(digits.data(), static_cast<std::size_t>(width));
}

[[nodiscard]] std::optional<GrainedInstant> usable(std::optional<GrainedInstant> date) noexcept {
  constexpr Instant first = sys_days{year{1} / January / 1};
  if (!date || date->at < first) return std::nullopt;
  return date;
}

void put_digits(char* at, unsigned value, int width) {
  for (int i = width; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

void append_time(std::string& out, seconds of_day) {
  append_digits(out, of_day / hours{1}, 2);
  out.push_back(':');
  append_digits(out, of_day % hours{1} / minutes{1}, 2);
  out.push_back(':');
  append_digits(out, of_day % minutes{1} / seconds{1}, 2);
}

}  // namespace

std::string format_http_date(Instant at) {
  const auto second = floor<seconds>(std::clamp(at, earliest, latest));
  const auto midnight = floor<days>(second);
  const year_month_day date{midnight};
  const auto of_day = static_cast<unsigned>((second - midnight).count());
  std::string out(
      "Day, 00 Mon 0000 00:00:00 GMT");  // two of these in the answer to each write: filled in, not put together
  day_names[weekday{midnight}.c_encoding()].copy(&out[0], 3);
  put_digits(&out[5], unsigned{date.day()}, 2);
  month_names[unsigned{date.month()} - 1].copy(&out[8], 3);
  put_digits(&out[12], static_cast<unsigned>(int{date.year()}), 4);
  put_digits(&out[17], of_day / 3600, 2);
  put_digits(&out[20], of_day / 60 % 60, 2);
  put_digits(&out[23], of_day % 60, 2);
  return out;
}

std::string format_iso_date(Instant at) {
  std::string out = format_exact_iso_date(at);
  out.replace(out.size() - 4, 4, "Z");
  return out;
}

std::string format_exact_iso_date(Instant at) {
  at = std::clamp(at, earliest, latest);
  const auto midnight = floor<days>(at);
  const year_month_day date{midnight};
  std::string out;
  out.reserve(27);
  append_digits(out, int{date.year()}, 4);
  out.push_back('-');
  append_digits(out, unsigned{date.month()}, 2);
  out.push_back('-');
  append_digits(out, unsigned{date.day()}, 2);
  out.push_back('T');
  append_time(out, floor<seconds>(at - midnight));
  out.push_back('.');
  append_digits(out, (at - midnight) % seconds{1} / microseconds{1}, 6);
  out.push_back('Z');
  return out;
}

std::optional<GrainedInstant> parse_http_date(std::string_view text) noexcept {
  Reader reader(text);
  const unsigned day_name = reader.name(day_names);
  reader.literal(", ");
  const int day_number = reader.digits(2);
  reader.literal(" ");
  const unsigned month_name = reader.name(month_names);
  reader.literal(" ");
  const int year_number = reader.digits(4);
  reader.literal(" ");
  const TimeOfDay time = read_time(reader);
  reader.literal(" GMT");
  const year_month_day date{year{year_number}, month{month_name + 1}, day{static_cast<unsigned>(day_number)}};
  if (!reader.succeeded() || !date.ok() || !time.ok()) return std::nullopt;
  const sys_days midnight{date};
  if (weekday{midnight}.c_encoding() != day_name) return std::nullopt;
  return GrainedInstant{.at = midnight + time.since_midnight(), .grain_microseconds = 1'000'000};
}

std::optional<GrainedInstant> parse_iso_date(std::string_view text) noexcept {
  Reader reader(text);
  const int year_number = reader.digits(4);
  reader.literal("-");
  const int month_number = reader.digits(2);
  reader.literal("-");
  const int day_number = reader.digits(2);
  reader.literal("T");
  const TimeOfDay time = read_time(reader);
  const auto [fraction, grain] = read_fraction(reader);
  const minutes offset = read_offset(reader);
  const year_month_day date{year{year_number}, month{static_cast<unsigned>(month_number)},
                            day{static_cast<unsigned>(day_number)}};
  if (!reader.succeeded() || !date.ok() || !time.ok()) return std::nullopt;
  const Instant at = sys_days{date} + time.since_midnight() + fraction - offset;
  if (at < earliest || at > latest) return std::nullopt;
  return GrainedInstant{.at = at, .grain_microseconds = grain};
}

std::optional<GrainedInstant> parse_date(std::string_view text) noexcept {
  if (const auto date = parse_http_date(text)) return date;
  return parse_iso_date(text);
}

std::optional<GrainedInstant> parse_usable_date(std::string_view text) noexcept { return usable(parse_date(text)); }

std::optional<GrainedInstant> parse_usable_iso_date(std::string_view text) noexcept {
  return usable(parse_iso_date(text));
}

}  // namespace tenon
