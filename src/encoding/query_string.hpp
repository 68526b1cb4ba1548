// The parts of a request's target, RFC 3986.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon {

// Strict percent-decoding ("+" is a plus). Nothing on a bad escape, an encoded NUL, or bytes that are not UTF-8.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// "a=1&b=2" in order; "+" means a space, as HTML forms send it. Nothing on a bad escape or more than 50 parameters.
[[nodiscard]] std::optional<QueryParameters> parse_query(std::string_view query);

}  // namespace tenon
