// Dates as HTTP and JSON write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace tenon {

// A date and the grain its text had: an HTTP-date means a whole second, an ISO 8601 one the digits it shows.
struct GrainedInstant {
  Instant at;
  std::int64_t grain_microseconds;  // 1'000'000, 1'000 or 1 (fractions of 1..3 digits: 1'000; of 4..6 digits: 1)
  bool operator==(const GrainedInstant&) const = default;
};

// RFC 9110 section 5.6.7, the preferred form: "Tue, 02 Dec 2025 05:21:11 GMT".
[[nodiscard]] std::string format_http_date(Instant at);

// "2025-12-02T05:21:11.123Z", as the JSON of our resources shows instants (milliseconds, cut).
[[nodiscard]] std::string format_iso_date(Instant at);
// The same with all six digits of the fraction.
[[nodiscard]] std::string format_exact_iso_date(Instant at);

// IMF-fixdate only (the two obsolete forms of RFC 9110 are refused: RFC 850's two-digit year needs a clock to read),
// with the right day of the week and a real calendar date; nothing otherwise. A leap second (":60") is refused.
[[nodiscard]] std::optional<GrainedInstant> parse_http_date(std::string_view text) noexcept;

// RFC 3339 with "T", and "Z" or a numeric offset; fraction of 1 to 6 digits or none (grain: one second).
[[nodiscard]] std::optional<GrainedInstant> parse_iso_date(std::string_view text) noexcept;

// Either of the two.
[[nodiscard]] std::optional<GrainedInstant> parse_date(std::string_view text) noexcept;

// The same, but nothing out of the years 1 to 9999, which PostgreSQL and ISO 8601 share: year 0 is none of
// PostgreSQL's, and an offset may lead out of them.
[[nodiscard]] std::optional<GrainedInstant> parse_usable_date(std::string_view text) noexcept;
[[nodiscard]] std::optional<GrainedInstant> parse_usable_iso_date(std::string_view text) noexcept;

}  // namespace tenon
