#include "encoding/json.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>

#include "base/json_string.hpp"
#include "encoding/json_builder.hpp"

namespace tenon::json {
namespace {

constexpr std::size_t shown_name_bytes_max = 64;  // of a client's own member name, in a refusal

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::string_view reason_of(const boost::system::error_code& failure) noexcept {
  using boost::json::error;
  if (failure == error::incomplete) return "unexpected end";
  if (failure == error::illegal_leading_surrogate || failure == error::illegal_trailing_surrogate ||
      failure == error::expected_utf16_escape) {
    return "a lone surrogate";
  }
  if (failure == error::expected_hex_digit) return "expected a hexadecimal digit";
  if (failure == error::exponent_overflow) return "a number beyond the range of doubles";
  return {};
}

std::string unexpected(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return "unexpected end";
  const char c = text[offset];
  if (c > 0x20 && c < 0x7f) return std::string("unexpected '") + c + "'";
  return (c & 0x80) != 0 ? "not UTF-8, or not inside a string" : "unexpected control character or space";
}

Problem malformed(std::size_t offset, std::string_view reason) {
  std::string detail = "not valid JSON at byte " + std::to_string(offset) + ": ";
  detail += reason;
  return problem(ProblemCode::malformed_json, std::move(detail));
}

// At most `shown_name_bytes_max` bytes of it, never half a character.
std::string_view shown(std::string_view name) noexcept {
  if (name.size() <= shown_name_bytes_max) return name;
  std::size_t end = shown_name_bytes_max;
  while (end > 0 && (name[end] & 0xc0) == 0x80) --end;
  return name.substr(0, end);
}

}  // namespace

const Value* find(const Object& object, std::string_view name) noexcept {
  const auto found = std::ranges::find(object, name, &Member::name);
  return found == object.end() ? nullptr : &found->value;
}

Result<Value> parse(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) return malformed(0, "a byte order mark");
  boost::json::basic_parser<Builder> parser{boost::json::parse_options{.max_depth = limits::json_depth_max + 1}};
  Builder& builder = parser.handler();
  boost::system::error_code error;
  const std::size_t consumed = parser.write_some(false, text.data(), text.size(), error);
  if (!builder.refusal().empty()) return malformed(consumed - builder.refused_bytes(), builder.refusal());
  if (error) {
    const std::size_t offset = error == boost::json::error::incomplete ? text.size() : consumed;
    const std::string_view reason = reason_of(error);
    return malformed(offset, reason.empty() ? unexpected(text, offset) : std::string(reason));
  }
  if (consumed < text.size()) return malformed(consumed, "bytes after the end of the document");
  if (const auto& name = builder.duplicate()) {
    return problem(ProblemCode::duplicate_member, "member " + json_string(shown(*name)) + " appears twice");
  }
  return builder.take_root();
}

std::optional<std::int64_t> integer(const Number& number) noexcept {
  const std::string& text = number.text;
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> hundredths(const Number& number) noexcept {
  constexpr std::int64_t bound = 1'000'000'000'000'000;
  std::string_view text = number.text;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  std::int64_t value = 0;
  int places = -1;  // -1: no point seen yet
  for (const char c : text) {
    if (c == '.' && places < 0) {
      places = 0;
      continue;
    }
    if (!is_digit(c) || places == 2) return std::nullopt;
    if (places >= 0) ++places;
    value = value * 10 + (c - '0');
    if (value >= bound) return std::nullopt;
  }
  if (text.empty() || !is_digit(text.front()) || places == 0) return std::nullopt;
  for (int missing = 2 - std::max(places, 0); missing > 0; --missing) value *= 10;
  if (value >= bound) return std::nullopt;
  return negative ? -value : value;
}

}  // namespace tenon::json
