#include "encoding/canonical_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/json_string.hpp"

namespace tenon::json {
namespace {

// UTF-8 bytes sort by code point. UTF-16 code units differ in one thing: surrogates (U+10000 and up, first byte F0..F4)
// come before U+E000..U+FFFF (first byte EE or EF). Continuation bytes never reach EE.
constexpr int utf16_rank(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0xee || byte == 0xef ? byte + 0x10 : byte;
}

bool utf16_less(std::string_view a, std::string_view b) noexcept {
  return std::ranges::lexicographical_compare(a, b, {}, utf16_rank, utf16_rank);
}

// ECMA-262 section 6.1.6.1.20, Number::toString.
void append_number(std::string& out, double value) {
  if (value == 0) {  // also -0
    out.push_back('0');
    return;
  }
  // Most numbers: a whole one that a double holds exactly is written as it is.
  if (std::abs(value) < 0x1p53 && value == std::trunc(value)) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<std::int64_t>(value)).ptr;
    out.append(digits.data(), end);
    return;
  }
  if (std::signbit(value)) out.push_back('-');
  // Shortest digits that read back as `value`, and of those the closest: "d.ddde+XX".
  std::array<char, 32> buffer;
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value), std::chars_format::scientific);
  const std::string_view scientific(buffer.data(), written.ptr);
  const std::size_t mark = scientific.find('e');
  std::string digits(1, scientific[0]);
  if (mark > 1) digits.append(scientific.substr(2, mark - 2));
  int exponent = 0;
  const std::size_t exponent_at = scientific[mark + 1] == '+' ? mark + 2 : mark + 1;
  std::from_chars(scientific.data() + exponent_at, scientific.data() + scientific.size(), exponent);

  const int count = static_cast<int>(digits.size());  // ECMA-262's k
  const int point = exponent + 1;                     // and n: the value is 0.digits x 10^n
  if (count <= point && point <= 21) {
    out += digits;
    out.append(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    out.append(digits, 0, static_cast<std::size_t>(point)).push_back('.');
    out.append(digits, static_cast<std::size_t>(point));
  } else if (-6 < point && point <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-point), '0').append(digits);
  } else {
    out.push_back(digits[0]);
    if (count > 1) out.append(".").append(digits, 1);
    out.append(exponent < 0 ? "e-" : "e+").append(std::to_string(std::abs(exponent)));
  }
}

void append_array(std::string& out, const Array& array) {
  out.push_back('[');
  for (const Value& element : array) {
    if (&element != array.data()) out.push_back(',');
    append_canonical(out, element);
  }
  out.push_back(']');
}

void append_object(std::string& out, const Object& object) {
  std::vector<const Member*> members;
  members.reserve(object.size());
  for (const Member& member : object) members.push_back(&member);
  std::ranges::sort(members, [](const Member* a, const Member* b) { return utf16_less(a->name, b->name); });
  out.push_back('{');
  for (const Member* member : members) {
    if (member != members.front()) out.push_back(',');
    append_json_string(out, member->name);
    out.push_back(':');
    append_canonical(out, member->value);
  }
  out.push_back('}');
}

}  // namespace

// Recursion as deep as the value, which json::parse bounds.
void append_canonical(std::string& out, const Value& value) {
  if (const auto* object = value.object()) return append_object(out, *object);
  if (const auto* array = value.array()) return append_array(out, *array);
  if (const auto* string = value.string()) return append_json_string(out, *string);
  if (const auto* number = value.number()) return append_number(out, number->value);
  if (const auto* boolean = value.boolean()) {
    out += *boolean ? "true" : "false";
    return;
  }
  out += "null";
}

std::string canonical(const Value& value) {
  std::string out;
  append_canonical(out, value);
  return out;
}

}  // namespace tenon::json
