// JSON strings, as RFC 8785 writes them: the shortest escapes, and only where RFC 8259 demands one.
#pragma once

#include <string>
#include <string_view>

namespace tenon {

// Appends `text`, which must be UTF-8, as a quoted JSON string.
void append_json_string(std::string& out, std::string_view text);
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace tenon
