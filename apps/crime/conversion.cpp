#include "base/json_string.hpp"
#include "business/fields.hpp"
#include "crime/handlers.hpp"

namespace tenon::crime {
namespace {

using business::Presence;
using json::ObjectReader;
using service::Arguments;
using service::Incoming;
using writes::Call;

constexpr json::TextRule business_name_rule{.characters_min = 2, .characters_max = 200};
constexpr std::size_t owners_max = 50;
constexpr std::int64_t capital_hundredths_max = 99'999'999'999'999;
constexpr std::int64_t employees_max = 1'000'000;

void add_owners(ObjectReader& reader, Arguments& arguments) {
  const auto owners = reader.texts("owners", 0, owners_max, business::person_rule, Presence::optional);
  if (!owners) return;
  std::string list;
  for (const std::string& owner : *owners) list += (list.empty() ? "" : ",") + json_string(owner);
  arguments.add("owners", "[" + list + "]");
}

void add_license(ObjectReader& reader, Arguments& arguments) {
  const json::Object* license = reader.object("licenseApplicationData", Presence::optional);
  if (license == nullptr) return;
  ObjectReader inner = reader.within("licenseApplicationData", *license);
  Arguments members;
  business::add_text(inner, members, "businessName", business_name_rule, Presence::optional);
  add_owners(inner, members);
  business::add_decimal(inner, members, "capitalInvestment", 0, capital_hundredths_max, Presence::optional);
  business::add_integer(inner, members, "employeeCount", 0, employees_max, Presence::optional);
  inner.refuse_unknown();
  arguments.add("licenseApplicationData", members.text());
}

}  // namespace

Result<Call> convert_facility(const Operations& op, const Incoming& in) {
  const auto object = service::object_in_body(in);
  if (!object) return object.error();
  safeguards::Precondition precondition = in.precondition;
  if (auto refused = safeguards::add_date_token(**object, "facilityUpdatedAt", precondition)) {
    return std::move(*refused);
  }
  std::vector<Violation> violations;
  ObjectReader reader(**object, violations);
  reader.ignore("facilityUpdatedAt");
  Arguments arguments;
  const auto facility = reader.uuid("facilityId");
  if (facility) arguments.add_text("facilityId", facility->text());
  business::add_text(reader, arguments, "substance", business::substance_rule, Presence::required);
  business::add_choice(reader, arguments, "newBusinessType", business::categories, Presence::required);
  add_license(reader, arguments);
  reader.refuse_unknown();
  arguments.add_precondition(precondition);
  return service::registered_call(op.convert_facility, writes::affinity_of(facility.value_or(Uuid{})), arguments,
                                  violations);
}

}  // namespace tenon::crime
