#include "business/fields.hpp"

#include <algorithm>

namespace tenon::business {

using json::ObjectReader;
using service::Arguments;

namespace {

constexpr json::TextRule city_rule{.characters_min = 1, .characters_max = 120};
constexpr json::TextRule batch_rule{.characters_min = 1, .characters_max = 100};
constexpr std::size_t holdings_max = 200;
constexpr std::int64_t quantity_max = 1'000'000'000;

}  // namespace

void add_text(ObjectReader& reader, Arguments& arguments, std::string_view name, json::TextRule rule,
              Presence presence) {
  if (const auto text = reader.text(name, rule, presence)) arguments.add_text(name, *text);
}

void add_nullable_text(ObjectReader& reader, Arguments& arguments, std::string_view name, json::TextRule rule) {
  if (reader.is_null(name)) {
    arguments.add(name, "null");
  } else {
    add_text(reader, arguments, name, rule, Presence::optional);
  }
}

void add_choice(ObjectReader& reader, Arguments& arguments, std::string_view name,
                std::span<const std::string_view> values, Presence presence) {
  if (const auto choice = reader.one_of(name, values, presence)) arguments.add_text(name, *choice);
}

void add_integer(ObjectReader& reader, Arguments& arguments, std::string_view name, std::int64_t least,
                 std::int64_t most, Presence presence) {
  if (const auto number = reader.integer(name, least, most, presence)) arguments.add(name, std::to_string(*number));
}

void add_decimal(ObjectReader& reader, Arguments& arguments, std::string_view name, std::int64_t least,
                 std::int64_t most, Presence presence) {
  if (const auto number = reader.decimal(name, least, most, presence)) {
    arguments.add(name, json::decimal_text(*number));
  }
}

void add_percent(ObjectReader& reader, Arguments& arguments, std::string_view name, Presence presence) {
  add_decimal(reader, arguments, name, 0, percent_hundredths_max, presence);
}

void add_state(ObjectReader& reader, Arguments& arguments, std::string_view name, Presence presence) {
  const json::TextRule two{.characters_min = 2, .characters_max = 2};
  const auto state = reader.text(name, two, presence);
  if (!state) return;
  if (std::ranges::find(states, *state) == states.end()) {
    reader.violate(name, "must be the two-letter code of a US state or DC");
    return;
  }
  arguments.add_text(name, *state);
}

void add_location(ObjectReader& reader, Arguments& arguments) {
  const json::Object* location = reader.object("location");
  if (location == nullptr) return;
  ObjectReader inner = reader.within("location", *location);
  Arguments members;
  add_state(inner, members, "state", Presence::required);
  add_text(inner, members, "city", city_rule, Presence::required);
  inner.refuse_unknown();
  arguments.add("location", members.text());
}

void add_holdings(ObjectReader& reader, Arguments& arguments) {
  if (!reader.has("inventory")) return;
  std::string list;
  reader.objects("inventory", 0, holdings_max, Presence::optional, [&list](ObjectReader& held) {
    Arguments members;
    add_text(held, members, "substance", substance_rule, Presence::required);
    add_integer(held, members, "quantity", 0, quantity_max, Presence::required);
    add_percent(held, members, "purity", Presence::required);
    add_nullable_text(held, members, "batch", batch_rule);
    list += (list.empty() ? "" : ",") + members.text();
  });
  arguments.add("inventory", "[" + list + "]");
}

}  // namespace tenon::business
