#include "business/handlers.hpp"

#include <functional>

#include "base/limits.hpp"
#include "business/fields.hpp"

namespace tenon::business {
namespace {

using json::ObjectReader;
using safeguards::Role;
using service::Arguments;
using service::Incoming;
using writes::Argument;
using writes::Call;

constexpr std::array<std::string_view, 5> statuses{"Active", "Pending", "Suspended", "Closed", "Converted"};
constexpr json::TextRule name_rule{.characters_min = 2, .characters_max = 200};
constexpr json::TextRule city_rule{.characters_min = 1, .characters_max = 120};
constexpr json::TextRule address_line_rule{.characters_min = 1, .characters_max = 200};
constexpr json::TextRule postal_code_rule{.characters_min = 3, .characters_max = 12};
constexpr json::TextRule owner_rule{.characters_min = 1, .characters_max = limits::subject_bytes_max, .as_it_is = true};
constexpr std::int64_t skip_max = 1'000'000;

// A user's name, which is compared byte by byte with those in tokens: taken as it is, and bounded in bytes.
std::optional<std::string> add_owner(ObjectReader& reader, Arguments& arguments) {
  auto owner = reader.text("ownerId", owner_rule);
  if (!owner) return std::nullopt;
  if (owner->size() > limits::subject_bytes_max) {
    reader.violate("ownerId", "must have at most 200 bytes");
    return std::nullopt;
  }
  arguments.add_text("ownerId", *owner);
  return owner;
}

// `presence` is of state and city: a change may name only one of them.
void add_address(ObjectReader& reader, Arguments& arguments, Presence presence) {
  const json::Object* address = reader.object("address", presence);
  if (address == nullptr) return;
  ObjectReader inner = reader.within("address", *address);
  Arguments members;
  add_state(inner, members, "state", presence);
  add_text(inner, members, "city", city_rule, presence);
  add_nullable_text(inner, members, "addressLine", address_line_rule);
  add_nullable_text(inner, members, "postalCode", postal_code_rule);
  inner.refuse_unknown();
  if (!members.empty()) arguments.add("address", members.text());
}

// What may be set when a business is made, and changed later.
void add_changeable(ObjectReader& reader, Arguments& arguments, Presence presence) {
  add_text(reader, arguments, "name", name_rule, presence);
  add_choice(reader, arguments, "category", categories, presence);
  add_choice(reader, arguments, "status", statuses, Presence::optional);
  add_percent(reader, arguments, "taxRate", Presence::optional);
  add_address(reader, arguments, presence);
}

// The claim of the key knows no role: whoever has gained or lost it in between still has one key, and one answer.
Result<Call> of_admins(Result<Call> call) {
  if (call) call->role = name_of(Role::admin);
  return call;
}

// Whose business it is, is seen under its row's lock: of what an admin changes, the answer is an admin's.
Result<Call> of_its_owner_or_admins(const Incoming& in, Result<Call> call) {
  return in.caller.roles.any_of(Role::admin) ? of_admins(std::move(call)) : call;
}

}  // namespace

Result<Call> create_business(const Operations& op, const Incoming& in) {
  const auto object = service::object_in_body(in);
  if (!object) return object.error();
  std::vector<Violation> violations;
  ObjectReader reader(**object, violations);
  Arguments arguments;
  const auto owner = add_owner(reader, arguments);
  add_nullable_text(reader, arguments, "companyId", person_rule);
  add_changeable(reader, arguments, Presence::required);
  add_holdings(reader, arguments);
  reader.refuse_unknown();
  const bool for_somebody_else = owner != in.caller.user;
  if (violations.empty() && for_somebody_else && !in.caller.roles.any_of(Role::admin)) {
    return problem(ProblemCode::not_owner, "Only an admin may create a business for somebody else.");
  }
  // An owner's new businesses share a lane: they are what may want the same name.
  auto call =
      service::registered_call(op.create_business, std::hash<std::string>{}(owner.value_or("")), arguments, violations);
  return for_somebody_else ? of_admins(std::move(call)) : call;
}

Result<Call> update_business(const Operations& op, const Incoming& in) {
  const auto id = service::id_in_path(in);
  if (!id) return id.error();
  const auto object = service::object_in_body(in);
  if (!object) return object.error();
  std::vector<Violation> violations;
  ObjectReader reader(**object, violations);
  reader.ignore("version");  // concurrency tokens, read by the chain
  reader.ignore("ifUnmodifiedSince");
  Arguments arguments;
  add_changeable(reader, arguments, Presence::optional);
  reader.refuse_unknown();
  if (violations.empty() && arguments.empty()) {
    violations.push_back({"", "must change something: name, category, status, taxRate or address"});
  }
  arguments.add_text("id", id->text()).add_precondition(in.precondition);
  return of_its_owner_or_admins(
      in, service::registered_call(op.update_business, writes::affinity_of(*id), arguments, violations));
}

Result<Call> delete_business(const Operations& op, const Incoming& in) {
  const auto id = service::id_in_path(in);
  if (!id) return id.error();
  Arguments arguments;
  arguments.add_text("id", id->text()).add_precondition(in.precondition);
  std::vector<Violation> none;
  return of_its_owner_or_admins(
      in, service::registered_call(op.delete_business, writes::affinity_of(*id), arguments, none));
}

Result<Call> read_business(const Operations& op, const Incoming& in) {
  const auto id = service::id_in_path(in);
  if (!id) return id.error();
  return Call{.operation = &op.read_business, .arguments = {*id}, .affinity = writes::affinity_of(*id)};
}

Result<Call> list_businesses(const Operations& op, const Incoming& in) {
  static constexpr std::string_view known[] = {"ownerId", "companyId", "category", "status",
                                               "state",   "city",      "limit",    "skip"};
  if (auto refusal = service::check_query(in.query, known)) return std::move(*refusal);
  const Result<Argument> filters[] = {service::text_filter(in.query, "ownerId"),
                                      service::text_filter(in.query, "companyId"),
                                      service::choice_filter(in.query, "category", categories),
                                      service::choice_filter(in.query, "status", statuses),
                                      service::choice_filter(in.query, "state", states),
                                      service::text_filter(in.query, "city")};
  Call call{.operation = &op.list_businesses, .arguments = {}, .affinity = 0};
  for (const Result<Argument>& filter : filters) {
    if (!filter) return filter.error();
    call.arguments.push_back(*filter);
  }
  const auto limit = service::page_limit(in.query);
  if (!limit) return limit.error();
  const auto skip = service::integer_parameter(in.query, "skip", 0, skip_max, 0);
  if (!skip) return skip.error();
  call.arguments.emplace_back(*limit);
  call.arguments.emplace_back(*skip);
  return call;
}

}  // namespace tenon::business
