// RFC 9651: what is read can be written, and reads the same again.
#include "encoding/structured_field.hpp"

#include "fuzz/target.hpp"

namespace tenon::fuzz {
namespace {

template <class Field>
void check_round_trip(const std::optional<Field>& field, std::optional<Field> (*parse)(std::string_view)) {
  if (!field) return;
  const auto written = structured::serialize(*field);
  // A list and a dictionary may be empty, and then there is nothing to write.
  check(written.has_value(), "what was read can be written");
  const auto again = parse(*written);
  check(again.has_value() && *again == *field, "what was written reads the same");
  check(structured::serialize(*again) == written, "there is one way to write it");
}

}  // namespace

void structured_field(std::string_view input);
void structured_field(std::string_view input) {
  check_round_trip(structured::parse_item(input), structured::parse_item);
  check_round_trip(structured::parse_list(input), structured::parse_list);
  check_round_trip(structured::parse_dictionary(input), structured::parse_dictionary);
}

}  // namespace tenon::fuzz
