// Dates of HTTP and JSON.
#include "encoding/http_date.hpp"

#include <chrono>

#include "fuzz/target.hpp"

namespace tenon::fuzz {

void date(std::string_view input);
void date(std::string_view input) {
  const auto http = parse_http_date(input);
  const auto iso = parse_iso_date(input);
  check(!http || !iso, "no text is both");
  check(parse_date(input) == (http ? http : iso), "either of the two");
  if (http) {
    check(http->grain_microseconds == 1'000'000, "an HTTP-date means a second");
    check(format_http_date(http->at) == input, "an HTTP-date has one spelling");
  }
  if (!iso) return;
  check(iso->grain_microseconds == 1'000'000 || iso->grain_microseconds == 1'000 || iso->grain_microseconds == 1,
        "a grain is one of three");
  check(iso->at.time_since_epoch().count() % iso->grain_microseconds == 0, "an instant lies on its grain");
  const auto again = parse_iso_date(format_iso_date(iso->at));
  // An offset may take a date past the years that have four digits.
  const auto year = std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(iso->at)).year();
  if (year < std::chrono::year{0} || year > std::chrono::year{9999}) return;
  check(again.has_value() && again->at == std::chrono::floor<std::chrono::milliseconds>(iso->at),
        "what we write is what was read, to the millisecond");
}

}  // namespace tenon::fuzz
