// JSON as we accept it (RFC 8259, I-JSON's restrictions): a tree of values with the exact digits of each number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace tenon::json {

class Value;

struct Member;

// A number keeps the text it was written in: decimals are never rounded through binary floating point.
struct Number {
  std::string text;
  double value = 0;  // nearest double; finite
};

using Array = std::vector<Value>;
using Object = std::vector<Member>;  // in the order received; names are unique

class Value {
 public:
  using Variant = std::variant<std::nullptr_t, bool, Number, std::string, Array, Object>;
  Value() noexcept;
  Value(Variant value);  // NOLINT: implicit on purpose
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  [[nodiscard]] bool is_null() const noexcept { return std::holds_alternative<std::nullptr_t>(value_); }
  [[nodiscard]] const bool* boolean() const noexcept { return std::get_if<bool>(&value_); }
  [[nodiscard]] const Number* number() const noexcept { return std::get_if<Number>(&value_); }
  [[nodiscard]] const std::string* string() const noexcept { return std::get_if<std::string>(&value_); }
  [[nodiscard]] const Array* array() const noexcept { return std::get_if<Array>(&value_); }
  [[nodiscard]] const Object* object() const noexcept { return std::get_if<Object>(&value_); }

 private:
  Variant value_;  // null at first
};

struct Member {
  std::string name;
  Value value;
};

// Here and not in the class: what makes, copies and destroys a Value needs to know a Member, which holds Values.
inline Value::Value() noexcept = default;
inline Value::Value(Variant value) : value_(std::move(value)) {}
inline Value::Value(const Value&) = default;
inline Value::Value(Value&&) noexcept = default;
inline Value& Value::operator=(const Value&) = default;
inline Value& Value::operator=(Value&&) noexcept = default;
inline Value::~Value() = default;

// The member of that name, or null. Linear: objects are small and bounded.
[[nodiscard]] const Value* find(const Object& object, std::string_view name) noexcept;

// Parses one document. Refused, in this order of precedence:
//   malformed_json    with the byte offset in `detail`: not JSON, not UTF-8, lone surrogates, trailing bytes, a byte
//                     order mark, comments, depth or member count above limits::json_*, a number that overflows to
//                     infinity, an integer (no fraction, no exponent) beyond +-(2^53 - 1): RFC 8785 would
//                     canonicalise two of those to the same bytes
//   duplicate_member  an object that names a member twice (after unescaping); `detail` tells the name
[[nodiscard]] Result<Value> parse(std::string_view text);

// An integer written without fraction or exponent ("3", "-7"; not "3.0", "3e0").
[[nodiscard]] std::optional<std::int64_t> integer(const Number& number) noexcept;

// A decimal in hundredths: "129", "129.5", "129.50" -> 12950. Nothing for more than two places, an exponent, or a
// magnitude of 10^15 hundredths or more.
[[nodiscard]] std::optional<std::int64_t> hundredths(const Number& number) noexcept;

}  // namespace tenon::json
