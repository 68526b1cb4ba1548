// JSON and its canonical form: a fixed point, which says the same as what it was made of.
#include "encoding/json.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cmath>
#include <cstdlib>

#include "base/json_string.hpp"
#include "base/utf8.hpp"
#include "encoding/canonical_json.hpp"
#include "fuzz/target.hpp"

namespace tenon::fuzz {
namespace {

// Equal as RFC 8785 sees it: members in any order, numbers as doubles.
bool same(const json::Value& a, const json::Value& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  if (a.boolean() != nullptr && b.boolean() != nullptr) return *a.boolean() == *b.boolean();
  if (a.number() != nullptr && b.number() != nullptr) return a.number()->value == b.number()->value;
  if (a.string() != nullptr && b.string() != nullptr) return *a.string() == *b.string();
  if (a.array() != nullptr && b.array() != nullptr) return std::ranges::equal(*a.array(), *b.array(), same);
  if (a.object() == nullptr || b.object() == nullptr || a.object()->size() != b.object()->size()) return false;
  return std::ranges::all_of(*a.object(), [&](const json::Member& member) {
    const json::Value* other = json::find(*b.object(), member.name);
    return other != nullptr && same(member.value, *other);
  });
}

void check_numbers(const json::Value& value) {
  if (const auto* number = value.number()) {
    check(std::isfinite(number->value), "numbers are finite");
    check(std::strtod(number->text.c_str(), nullptr) == number->value, "a number is the double next to its digits");
    if (const auto whole = json::integer(*number))
      check(std::to_string(*whole) == number->text || number->text == "-0", "an integer is its digits");
    if (const auto hundredths = json::hundredths(*number))
      check(std::abs(static_cast<double>(*hundredths) / 100 - number->value) <= std::abs(number->value) * 1e-9,
            "hundredths are a hundred times the number");
  }
  if (const auto* array = value.array())
    for (const json::Value& each : *array) check_numbers(each);
  if (const auto* object = value.object())
    for (const json::Member& member : *object) check_numbers(member.value);
}

// A number beyond 2^53 that was written with a fraction or an exponent: RFC 8785 writes it as an integer (up to 1e21),
// and those we refuse, since two of them could be one double.
bool has_large_number(const json::Value& value) {
  if (const auto* number = value.number()) return std::abs(number->value) > 9'007'199'254'740'991.0;
  if (const auto* array = value.array()) return std::ranges::any_of(*array, has_large_number);
  const auto* object = value.object();
  return object != nullptr && std::ranges::any_of(*object, has_large_number, &json::Member::value);
}

bool is_json_to_others(std::string_view text) {
  boost::system::error_code error;
  static_cast<void>(boost::json::parse({text.data(), text.size()}, error, {}, {.max_depth = 100}));
  return !error;
}

}  // namespace

void json(std::string_view input);
void json(std::string_view input) {
  const std::string quoted = json_string(input);
  const auto text = json::parse(quoted);
  check(text.has_value() && text->string() != nullptr, "whatever is quoted is JSON");
  check(*text->string() == input || !is_utf8(input), "a quoted text is itself");

  const auto value = json::parse(input);
  if (!value) {
    const ProblemCode code = value.error().code;
    check(code == ProblemCode::malformed_json || code == ProblemCode::duplicate_member, "a refusal has its name");
    check(is_utf8(render(value.error())), "a refusal is UTF-8");
    return;
  }
  check(is_json_to_others(input), "what is taken is JSON to others too");
  check_numbers(*value);

  const std::string canonical = json::canonical(*value);
  check(is_json_to_others(canonical), "a canonical form is JSON to others too");
  if (has_large_number(*value)) return;
  const auto again = json::parse(canonical);
  check(again.has_value(), "a canonical form is JSON");
  check(same(*value, *again), "a canonical form says the same");
  check(json::canonical(*again) == canonical, "a canonical form is its own");
}

}  // namespace tenon::fuzz
