// JSON strings, as RFC 8785 writes them: the shortest escapes, and only where RFC 8259 demands one.
#pragma once

#include <string>
#include <string_view>

namespace tenon {

// Appends `text` as a quoted JSON string. What is not UTF-8 in it is replaced by U+FFFD, a byte at a time: whatever a
// client sent, what we write is JSON.
void append_json_string(std::string& out, std::string_view text);
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace tenon
