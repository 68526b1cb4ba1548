#include <gtest/gtest.h>

#include <limits>

#include "encoding/http_date.hpp"

namespace tenon {
namespace {

using namespace std::chrono;
using namespace std::string_literals;

constexpr std::int64_t refused = std::numeric_limits<std::int64_t>::min();

TEST(IsoDate, IsReadAsRfc3339WritesIt) {
  constexpr std::int64_t base = 1764652871'000'000;  // 2025-12-02T05:21:11Z
  constexpr std::int64_t second = 1'000'000;
  constexpr std::int64_t hour = 3600 * second;
  struct Row {
    std::string text;
    std::int64_t grain;
    std::int64_t unix_microseconds;
  };
  const Row rows[] = {
      {"2025-12-02T05:21:11Z", 1'000'000, base},
      // Fractions: the grain is that of the digits shown.
      {"2025-12-02T05:21:11.0Z", 1'000, base},
      {"2025-12-02T05:21:11.1Z", 1'000, base + 100'000},
      {"2025-12-02T05:21:11.12Z", 1'000, base + 120'000},
      {"2025-12-02T05:21:11.123Z", 1'000, base + 123'000},
      {"2025-12-02T05:21:11.000Z", 1'000, base},
      {"2025-12-02T05:21:11.999Z", 1'000, base + 999'000},
      {"2025-12-02T05:21:11.1234Z", 1, base + 123'400},
      {"2025-12-02T05:21:11.12345Z", 1, base + 123'450},
      {"2025-12-02T05:21:11.123456Z", 1, base + 123'456},
      {"2025-12-02T05:21:11.000000Z", 1, base},
      {"2025-12-02T05:21:11.000001Z", 1, base + 1},
      {"2025-12-02T05:21:11.1234567Z", 0, refused},
      {"2025-12-02T05:21:11.123456789Z", 0, refused},
      {"2025-12-02T05:21:11.Z", 0, refused},
      {"2025-12-02T05:21:11,5Z", 0, refused},
      {"2025-12-02T05:21:11.-5Z", 0, refused},
      {"2025-12-02T05:21:11.5.5Z", 0, refused},
      // Offsets.
      {"2025-12-02T05:21:11+00:00", 1'000'000, base},
      {"2025-12-02T05:21:11-00:00", 1'000'000, base},
      {"2025-12-02T06:21:11+01:00", 1'000'000, base},
      {"2025-12-02T00:21:11-05:00", 1'000'000, base},
      {"2025-12-02T10:51:11.25+05:30", 1'000, base + 250'000},
      {"2025-12-01T19:21:11-10:00", 1'000'000, base},  // another day
      {"2025-12-02T05:21:11+23:59", 1'000'000, base - 24 * hour + 60 * second},
      {"2025-12-02T05:21:11-23:59", 1'000'000, base + 24 * hour - 60 * second},
      {"2025-12-02T05:21:11+24:00", 0, refused},
      {"2025-12-02T05:21:11+01:60", 0, refused},
      {"2025-12-02T05:21:11+0100", 0, refused},
      {"2025-12-02T05:21:11+01", 0, refused},
      {"2025-12-02T05:21:11+1:00", 0, refused},
      {"2025-12-02T05:21:11 01:00", 0, refused},  // a plus that became a space
      {"2025-12-02T05:21:11Z+01:00", 0, refused},
      {"2025-12-02T05:21:11+01:00Z", 0, refused},
      {"2025-12-02T05:21:11+-1:00", 0, refused},
      {"2025-12-02T05:21:11\xe2\x88\x92"
       "01:00",
       0, refused},  // U+2212
      {"2025-12-02T05:21:11", 0, refused},
      {"2025-12-02T05:21:11.123", 0, refused},
      // Calendar.
      {"2024-02-29T00:00:00Z", 1'000'000, 1709164800 * second},
      {"2025-02-29T00:00:00Z", 0, refused},
      {"1900-02-29T00:00:00Z", 0, refused},
      {"2000-02-29T00:00:00Z", 1'000'000, 951782400 * second},
      {"2100-02-29T00:00:00Z", 0, refused},
      {"2025-00-02T05:21:11Z", 0, refused},
      {"2025-13-02T05:21:11Z", 0, refused},
      {"2025-12-00T05:21:11Z", 0, refused},
      {"2025-12-32T05:21:11Z", 0, refused},
      {"2025-04-31T05:21:11Z", 0, refused},
      {"2025-11-30T23:59:59Z", 1'000'000, 1764547199 * second},
      // Time of day.
      {"2025-12-02T00:00:00Z", 1'000'000, 1764633600 * second},
      {"2025-12-02T23:59:59.999999Z", 1, 1764719999 * second + 999'999},
      {"2025-12-02T24:00:00Z", 0, refused},
      {"2025-12-02T05:60:00Z", 0, refused},
      {"2025-12-02T05:21:60Z", 0, refused},
      {"2016-12-31T23:59:60Z", 0, refused},  // was a leap second
      // The bounds of the year's four digits, and offsets that would pass them.
      {"1970-01-01T00:00:00Z", 1'000'000, 0},
      {"1969-12-31T23:59:59.999999Z", 1, -1},
      {"0000-01-01T00:00:00Z", 1'000'000, -62167219200 * second},
      {"9999-12-31T23:59:59.999999Z", 1, 253402300799 * second + 999'999},
      {"0000-01-01T00:00:00+00:01", 0, refused},
      {"0000-01-01T00:00:00-00:01", 1'000'000, -62167219140 * second},
      {"9999-12-31T23:59:59-00:01", 0, refused},
      {"9999-12-31T23:59:59+00:01", 1'000'000, 253402300739 * second},
      {"10000-01-01T00:00:00Z", 0, refused},
      {"-001-01-01T00:00:00Z", 0, refused},
      {"+2025-12-02T05:21:11Z", 0, refused},
      {"25-12-02T05:21:11Z", 0, refused},
      // Near misses.
      {"", 0, refused},
      {"2025-12-02", 0, refused},
      {"2025-12-02T05:21Z", 0, refused},
      {"2025-12-02t05:21:11Z", 0, refused},
      {"2025-12-02T05:21:11z", 0, refused},
      {"2025-12-02 05:21:11Z", 0, refused},
      {"2025-12-02T05:21:11 Z", 0, refused},
      {" 2025-12-02T05:21:11Z", 0, refused},
      {"2025-12-02T05:21:11Z ", 0, refused},
      {"2025-12-02T05:21:11Z\n", 0, refused},
      {"2025-12-02T05:21:11Z\0"s, 0, refused},
      {"20251202T052111Z", 0, refused},
      {"2025-336T05:21:11Z", 0, refused},
      {"2025-W49-2T05:21:11Z", 0, refused},
      {"2025-1-02T05:21:11Z", 0, refused},
      {"2025-12-2T05:21:11Z", 0, refused},
      {"2025/12/02T05:21:11Z", 0, refused},
      {"2025-12-02T5:21:11Z", 0, refused},
      {"2025-12-02T05:21:11ZZ", 0, refused},
      {"2025-12-02T05:21:11GMT", 0, refused},
      {"2025-12-02T05:21:1aZ", 0, refused},
      {"0x25-12-02T05:21:11Z", 0, refused},
      {"now", 0, refused},
  };
  for (const auto& [text, grain, unix_microseconds] : rows) {
    SCOPED_TRACE(text);
    const auto date = parse_iso_date(text);
    ASSERT_EQ(date.has_value(), unix_microseconds != refused);
    if (!date) continue;
    EXPECT_EQ(date->at.time_since_epoch().count(), unix_microseconds);
    EXPECT_EQ(date->grain_microseconds, grain);
  }
}

TEST(IsoDate, IsWrittenInMillisecondsThatHaveBegun) {
  struct Row {
    std::int64_t unix_microseconds;
    std::string text;
  };
  const Row rows[] = {
      {1764652871'123'000, "2025-12-02T05:21:11.123Z"},
      {1764652871'123'999, "2025-12-02T05:21:11.123Z"},
      {1764652871'000'000, "2025-12-02T05:21:11.000Z"},
      {1764652871'000'999, "2025-12-02T05:21:11.000Z"},
      {1764652871'999'999, "2025-12-02T05:21:11.999Z"},
      {0, "1970-01-01T00:00:00.000Z"},
      {-1, "1969-12-31T23:59:59.999Z"},
      {-1'000, "1969-12-31T23:59:59.999Z"},
      {-1'001, "1969-12-31T23:59:59.998Z"},
      {951825600'005'000, "2000-02-29T12:00:00.005Z"},
      {std::numeric_limits<std::int64_t>::max(), "9999-12-31T23:59:59.999Z"},
      {std::numeric_limits<std::int64_t>::min(), "0000-01-01T00:00:00.000Z"},
  };
  for (const auto& [unix_microseconds, text] : rows) {
    EXPECT_EQ(format_iso_date(Instant(microseconds(unix_microseconds))), text);
  }
  EXPECT_EQ(format_exact_iso_date(Instant(microseconds(1764652871'000'999))), "2025-12-02T05:21:11.000999Z");
}

TEST(IsoDate, IsOfUseWhereItsYearIsOneThatTheDatabaseHas) {
  EXPECT_TRUE(parse_usable_iso_date("0001-01-01T00:00:00Z"));
  EXPECT_TRUE(parse_usable_iso_date("9999-12-31T23:59:59.999999Z"));
  EXPECT_TRUE(parse_usable_iso_date("2025-12-02T05:21:11+23:59"));
  EXPECT_FALSE(parse_usable_iso_date("0000-12-31T23:59:59.999999Z"));
  EXPECT_FALSE(parse_usable_iso_date("0001-01-01T00:00:00+00:01"));
  EXPECT_FALSE(parse_usable_iso_date("9999-12-31T23:59:59-00:01"));
  EXPECT_FALSE(parse_usable_iso_date("Tue, 02 Dec 2025 05:21:11 GMT"));
  EXPECT_TRUE(parse_usable_date("Tue, 02 Dec 2025 05:21:11 GMT"));
}

TEST(IsoDate, IsReadBackAsItWasWritten) {
  for (sys_days day = sys_days{year{1899} / 12 / 31}; day < sys_days{year{2101} / 1 / 1}; day += days{1}) {
    const Instant at = day + hours{23} + minutes{1} + seconds{2} + milliseconds{30};
    const auto read = parse_iso_date(format_iso_date(at));
    ASSERT_TRUE(read) << format_iso_date(at);
    ASSERT_EQ(*read, (GrainedInstant{.at = at, .grain_microseconds = 1'000}));
  }
}

}  // namespace
}  // namespace tenon
