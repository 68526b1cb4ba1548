// HTTP-dates; iso_date_test.cpp has the dates of JSON.
#include "encoding/http_date.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tenon {
namespace {

using namespace std::chrono;
using namespace std::string_literals;

constexpr std::int64_t refused = std::numeric_limits<std::int64_t>::min();

Instant at_second(std::int64_t unix_seconds) { return Instant(seconds(unix_seconds)); }

TEST(HttpDate, IsReadInThePreferredFormOnly) {
  struct Row {
    std::string text;
    std::int64_t unix_seconds;
  };
  const Row rows[] = {
      {"Tue, 02 Dec 2025 05:21:11 GMT", 1764652871},
      {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},  // RFC 9110's own
      {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
      {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
      {"Tue, 19 Jan 2038 03:14:08 GMT", 2147483648},
      // The bounds of the year's four digits.
      {"Sat, 01 Jan 0000 00:00:00 GMT", -62167219200},
      {"Mon, 01 Jan 0001 00:00:00 GMT", -62135596800},
      {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
      // Every month, and its last day.
      {"Fri, 31 Jan 2025 00:00:00 GMT", 1738281600},
      {"Fri, 28 Feb 2025 00:00:00 GMT", 1740700800},
      {"Mon, 31 Mar 2025 00:00:00 GMT", 1743379200},
      {"Wed, 30 Apr 2025 00:00:00 GMT", 1745971200},
      {"Sat, 31 May 2025 00:00:00 GMT", 1748649600},
      {"Mon, 30 Jun 2025 00:00:00 GMT", 1751241600},
      {"Thu, 31 Jul 2025 00:00:00 GMT", 1753920000},
      {"Sun, 31 Aug 2025 00:00:00 GMT", 1756598400},
      {"Tue, 30 Sep 2025 00:00:00 GMT", 1759190400},
      {"Fri, 31 Oct 2025 00:00:00 GMT", 1761868800},
      {"Sun, 30 Nov 2025 00:00:00 GMT", 1764460800},
      {"Wed, 31 Dec 2025 00:00:00 GMT", 1767139200},
      // Leap years: by 4, not by 100, by 400.
      {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
      {"Tue, 29 Feb 2000 12:00:00 GMT", 951825600},
      {"Sat, 29 Feb 2025 00:00:00 GMT", refused},
      {"Thu, 29 Feb 1900 00:00:00 GMT", refused},
      {"Thu, 01 Mar 1900 00:00:00 GMT", -2203891200},
      {"Mon, 29 Feb 2100 00:00:00 GMT", refused},
      {"Tue, 29 Feb 0000 00:00:00 GMT", -62162121600},
      // No such day.
      {"Thu, 30 Feb 2024 00:00:00 GMT", refused},
      {"Thu, 31 Apr 2025 00:00:00 GMT", refused},
      {"Wed, 31 Jun 2025 00:00:00 GMT", refused},
      {"Tue, 00 Dec 2025 00:00:00 GMT", refused},
      {"Tue, 32 Dec 2025 00:00:00 GMT", refused},
      // Another day of the week than the date's.
      {"Mon, 02 Dec 2025 05:21:11 GMT", refused},
      {"Wed, 02 Dec 2025 05:21:11 GMT", refused},
      {"Sun, 02 Dec 2025 05:21:11 GMT", refused},
      // Times.
      {"Tue, 02 Dec 2025 00:00:00 GMT", 1764633600},
      {"Tue, 02 Dec 2025 23:59:59 GMT", 1764719999},
      {"Tue, 02 Dec 2025 24:00:00 GMT", refused},
      {"Tue, 02 Dec 2025 05:60:11 GMT", refused},
      {"Tue, 02 Dec 2025 05:21:60 GMT", refused},
      {"Sat, 31 Dec 2016 23:59:60 GMT", refused},  // was a leap second
      {"Tue, 02 Dec 2025 99:99:99 GMT", refused},
      // The obsolete forms.
      {"Tuesday, 02-Dec-25 05:21:11 GMT", refused},
      {"Tue Dec  2 05:21:11 2025", refused},
      // Near misses.
      {"", refused},
      {"tue, 02 Dec 2025 05:21:11 GMT", refused},
      {"TUE, 02 DEC 2025 05:21:11 GMT", refused},
      {"Tue, 02 dec 2025 05:21:11 GMT", refused},
      {"Tue, 02 Dec 2025 05:21:11 gmt", refused},
      {"Tue, 02 Dec 2025 05:21:11 UTC", refused},
      {"Tue, 02 Dec 2025 05:21:11 +0000", refused},
      {"Tue, 02 Dec 2025 05:21:11 Z", refused},
      {"Tue, 02 Dec 2025 05:21:11", refused},
      {"Tue, 02 Dec 2025 05:21:11 GMT ", refused},
      {" Tue, 02 Dec 2025 05:21:11 GMT", refused},
      {"Tue, 02 Dec 2025 05:21:11 GMTx", refused},
      {"Tue, 02 Dec 2025 05:21:11 GMT\0"s, refused},
      {"\"Tue, 02 Dec 2025 05:21:11 GMT\"", refused},
      {"Tue,02 Dec 2025 05:21:11 GMT", refused},
      {"Tue 02 Dec 2025 05:21:11 GMT", refused},
      {"Tue, 2 Dec 2025 05:21:11 GMT", refused},
      {"Tue,  2 Dec 2025 05:21:11 GMT", refused},
      {"Tue, +2 Dec 2025 05:21:11 GMT", refused},
      {"Tue, 02  Dec 2025 05:21:11 GMT", refused},
      {"Tue, 02-Dec-2025 05:21:11 GMT", refused},
      {"Tue, 02 12 2025 05:21:11 GMT", refused},
      {"Tue, 02 December 2025 05:21:11 GMT", refused},
      {"Tue, 02 Dec 25 05:21:11 GMT", refused},
      {"Tue, 02 Dec 02025 05:21:11 GMT", refused},
      {"Tue, 02 Dec -025 05:21:11 GMT", refused},
      {"Sat, 01 Jan 10000 00:00:00 GMT", refused},
      {"Tue, 02 Dec 2025 5:21:11 GMT", refused},
      {"Tue, 02 Dec 2025 05:21 GMT", refused},
      {"Tue, 02 Dec 2025 052111 GMT", refused},
      {"Tue, 02 Dec 2025 05:21:11.5 GMT", refused},
      {"Tue, 02 Dec 2025 05:21:1\xd9\xa1 GMT", refused},
      {"02 Dec 2025 05:21:11 GMT", refused},
      {"1764652871", refused},
  };
  for (const auto& [text, unix_seconds] : rows) {
    SCOPED_TRACE(text);
    const auto date = parse_http_date(text);
    ASSERT_EQ(date.has_value(), unix_seconds != refused);
    if (!date) continue;
    EXPECT_EQ(date->at, at_second(unix_seconds));
    EXPECT_EQ(date->grain_microseconds, 1'000'000);
    EXPECT_EQ(format_http_date(date->at), text);
  }
}

TEST(HttpDate, IsWrittenForTheSecondThatHasBegun) {
  EXPECT_EQ(format_http_date(at_second(1764652871)), "Tue, 02 Dec 2025 05:21:11 GMT");
  EXPECT_EQ(format_http_date(at_second(1764652871) + microseconds(999'999)), "Tue, 02 Dec 2025 05:21:11 GMT");
  EXPECT_EQ(format_http_date(Instant(microseconds(-1))), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(HttpDate, IsWrittenWithFourDigitsOfYearWhateverTheInstant) {
  EXPECT_EQ(format_http_date(Instant::max()), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(format_http_date(Instant::min()), "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST(HttpDate, IsReadBackAsItWasWrittenOnEveryDayOfFourCenturies) {
  for (sys_days day = sys_days{year{1800} / 1 / 1}; day < sys_days{year{2201} / 1 / 1}; day += days{1}) {
    const Instant noonish = day + hours{12} + minutes{34} + seconds{56};
    const auto read = parse_http_date(format_http_date(noonish));
    ASSERT_TRUE(read) << format_http_date(noonish);
    ASSERT_EQ(read->at, noonish);
  }
}

TEST(HttpDate, IsRefusedWithAnyByteChangedToAnother) {
  const std::string good = "Tue, 02 Dec 2025 05:21:11 GMT";
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string text = good;
      text[at] = static_cast<char>(c);
      const auto date = parse_http_date(text);
      // Another time of day, never the same one in other words.
      if (date) {
        EXPECT_EQ(format_http_date(date->at), text);
      }
    }
    EXPECT_FALSE(parse_http_date(good.substr(0, at)));
    EXPECT_FALSE(parse_http_date(good.substr(at + 1)));
  }
}

TEST(Date, IsReadInEitherForm) {
  EXPECT_EQ(parse_date("Tue, 02 Dec 2025 05:21:11 GMT"), parse_http_date("Tue, 02 Dec 2025 05:21:11 GMT"));
  EXPECT_EQ(parse_date("2025-12-02T05:21:11.5Z"), parse_iso_date("2025-12-02T05:21:11.5Z"));
  EXPECT_EQ(parse_date("Tue, 02 Dec 2025 05:21:11 GMT")->at, parse_date("2025-12-02T05:21:11Z")->at);
  for (const char* text : {"", "yesterday", "1764652871", "2025-12-02", "Tue, 02 Dec 2025T05:21:11Z", "v3", "*"}) {
    EXPECT_FALSE(parse_date(text)) << text;
  }
}

}  // namespace
}  // namespace tenon
