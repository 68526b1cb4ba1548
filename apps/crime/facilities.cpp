#include "business/fields.hpp"
#include "crime/handlers.hpp"
#include "crime/own_list.hpp"

namespace tenon::crime {
namespace {

using business::Presence;
using service::Arguments;
using service::Incoming;
using writes::Call;

constexpr std::array<std::string_view, 3> types{"Lab", "Farm", "Warehouse"};
// One that is Converted has a business and a history: only a conversion makes it so.
constexpr std::array<std::string_view, 4> first_statuses{"Active", "Raided", "Abandoned", "Seized"};
constexpr std::int64_t capacity_max = 1'000'000'000'000;

}  // namespace

Result<Call> list_facilities(const Operations& op, const Incoming& in) { return own_list(op.list_facilities, in); }

Result<Call> create_facility(const Operations& op, const Incoming& in) {
  const auto object = service::object_in_body(in);
  if (!object) return object.error();
  std::vector<Violation> violations;
  json::ObjectReader reader(**object, violations);
  Arguments arguments;
  business::add_nullable_text(reader, arguments, "companyId", business::person_rule);
  business::add_choice(reader, arguments, "type", types, Presence::required);
  business::add_location(reader, arguments);
  business::add_integer(reader, arguments, "capacity", 1, capacity_max, Presence::required);
  business::add_percent(reader, arguments, "quality", Presence::optional);
  business::add_percent(reader, arguments, "suspicionLevel", Presence::optional);
  business::add_choice(reader, arguments, "status", first_statuses, Presence::optional);
  business::add_holdings(reader, arguments);
  reader.refuse_unknown();
  return service::registered_call(op.create_facility, 0, arguments, violations);
}

}  // namespace tenon::crime
