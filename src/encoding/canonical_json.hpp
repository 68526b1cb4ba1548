// RFC 8785 (JSON Canonicalization Scheme): one text for all spellings of a value.
#pragma once

#include <string>

#include "encoding/json.hpp"

namespace tenon::json {

// Members sorted by UTF-16 code units, no white space, shortest string escapes, numbers as ECMAScript prints doubles.
void append_canonical(std::string& out, const Value& value);
[[nodiscard]] std::string canonical(const Value& value);

}  // namespace tenon::json
