#include <algorithm>

#include "business/fields.hpp"
#include "crime/handlers.hpp"
#include "encoding/http_date.hpp"

namespace tenon::crime {
namespace {

using business::Presence;
using json::ObjectReader;
using service::Arguments;
using service::Incoming;
using writes::Argument;
using writes::Call;

constexpr std::array<std::string_view, 1> jurisdictions{"State"};  // which is what it is without
constexpr std::array<std::string_view, 4> statuses{"Illegal", "Decriminalized", "Medical", "Recreational"};

bool is_day(const std::string& text) {
  return text.size() == 10 && parse_usable_iso_date(text + "T00:00:00Z").has_value();
}

// A calendar day: "2025-12-02". ISO days compare as their texts do.
std::optional<std::string> add_day(ObjectReader& reader, Arguments& arguments, std::string_view name,
                                   Presence presence) {
  auto day = reader.text(name, {.characters_min = 1, .characters_max = 40}, presence);
  if (!day) return std::nullopt;
  if (!is_day(*day)) {
    reader.violate(name, "must be a day like 2025-12-02");
    return std::nullopt;
  }
  arguments.add_text(name, *day);
  return day;
}

// "CA:Cannabis": the state has two letters, the substance any.
bool split_cursor(std::string_view cursor, Argument& substance, Argument& state) {
  if (cursor.size() < 4 || cursor[2] != ':') return false;
  const std::string_view code = cursor.substr(0, 2);
  if (std::ranges::find(business::states, code) == business::states.end()) return false;
  state = std::string(code);
  substance = std::string(cursor.substr(3));
  return true;
}

}  // namespace

Result<Call> list_legislation(const Operations& op, const Incoming& in) {
  static constexpr std::string_view known[] = {"substance", "state", "status", "limit", "cursor"};
  if (auto refusal = service::check_query(in.query, known)) return std::move(*refusal);
  const auto substance = service::text_filter(in.query, "substance");
  if (!substance) return substance.error();
  const auto state = service::choice_filter(in.query, "state", business::states);
  if (!state) return state.error();
  const auto status = service::choice_filter(in.query, "status", statuses);
  if (!status) return status.error();
  const auto limit = service::page_limit(in.query);
  if (!limit) return limit.error();
  Argument after_substance;
  Argument after_state;
  const auto cursor = service::query_value(in.query, "cursor");
  if (cursor && !split_cursor(*cursor, after_substance, after_state)) return service::bad_cursor();
  return Call{.operation = &op.list_legislation,
              .arguments = {*substance, *state, *status, std::move(after_substance), std::move(after_state), *limit},
              .affinity = 0};
}

Result<Call> put_legislation(const Operations& op, const Incoming& in) {
  const auto object = service::object_in_body(in);
  if (!object) return object.error();
  std::vector<Violation> violations;
  ObjectReader reader(**object, violations);
  Arguments arguments;
  business::add_text(reader, arguments, "substance", business::substance_rule, Presence::required);
  business::add_choice(reader, arguments, "jurisdiction", jurisdictions, Presence::optional);
  business::add_state(reader, arguments, "jurisdictionId", Presence::required);
  business::add_choice(reader, arguments, "status", statuses, Presence::required);
  business::add_percent(reader, arguments, "taxRate", Presence::required);
  const auto effective = add_day(reader, arguments, "effectiveDate", Presence::required);
  std::optional<std::string> sunset;
  if (!reader.is_null("sunsetDate")) sunset = add_day(reader, arguments, "sunsetDate", Presence::optional);
  if (effective && sunset && *sunset < *effective) reader.violate("sunsetDate", "must not be before effectiveDate");
  reader.refuse_unknown();
  arguments.add_precondition(in.precondition);
  return service::registered_call(op.put_legislation, 0, arguments, violations);
}

}  // namespace tenon::crime
