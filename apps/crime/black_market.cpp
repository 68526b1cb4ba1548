#include "business/fields.hpp"
#include "crime/handlers.hpp"

namespace tenon::crime {
namespace {

using business::Presence;
using service::Arguments;
using service::Incoming;
using writes::Argument;
using writes::Call;

constexpr std::array<std::string_view, 5> categories{"Stolen Goods", "Counterfeits", "Weapons", "Restricted Items",
                                                     "Services"};
constexpr std::array<std::string_view, 4> statuses{"Active", "Sold", "Seized", "Removed"};
// Sold is what the last unit makes of it.
constexpr std::array<std::string_view, 3> first_statuses{"Active", "Seized", "Removed"};
constexpr std::array<std::string_view, 3> delivery_methods{"Pickup", "Courier", "Shipping"};
constexpr json::TextRule item_name_rule{.characters_min = 1, .characters_max = 200};
constexpr json::TextRule description_rule{.characters_min = 10, .characters_max = 2000};
constexpr json::TextRule meetup_rule{.characters_min = 1, .characters_max = 200};
constexpr std::int64_t quantity_max = 1'000'000;
constexpr std::int64_t price_hundredths_max = 1'000'000'00;

}  // namespace

Result<Call> list_market_items(const Operations& op, const Incoming& in) {
  static constexpr std::string_view known[] = {"category", "status", "sellerId", "state", "limit", "cursor"};
  if (auto refusal = service::check_query(in.query, known)) return std::move(*refusal);
  const Result<Argument> filters[] = {
      service::choice_filter(in.query, "category", categories), service::choice_filter(in.query, "status", statuses),
      service::text_filter(in.query, "sellerId"), service::choice_filter(in.query, "state", business::states),
      service::id_cursor(in.query)};
  Call call{.operation = &op.list_market_items, .arguments = {}, .affinity = 0};
  for (const Result<Argument>& filter : filters) {
    if (!filter) return filter.error();
    call.arguments.push_back(*filter);
  }
  const auto limit = service::page_limit(in.query);
  if (!limit) return limit.error();
  call.arguments.emplace_back(*limit);
  return call;
}

Result<Call> create_market_item(const Operations& op, const Incoming& in) {
  const auto object = service::object_in_body(in);
  if (!object) return object.error();
  std::vector<Violation> violations;
  json::ObjectReader reader(**object, violations);
  Arguments arguments;
  business::add_choice(reader, arguments, "category", categories, Presence::required);
  business::add_text(reader, arguments, "itemName", item_name_rule, Presence::required);
  business::add_text(reader, arguments, "description", description_rule, Presence::required);
  business::add_integer(reader, arguments, "quantity", 1, quantity_max, Presence::required);
  business::add_decimal(reader, arguments, "pricePerUnit", 1, price_hundredths_max, Presence::required);
  business::add_location(reader, arguments);
  business::add_percent(reader, arguments, "riskScore", Presence::optional);
  business::add_choice(reader, arguments, "status", first_statuses, Presence::optional);
  reader.refuse_unknown();
  return service::registered_call(op.create_market_item, 0, arguments, violations);
}

Result<Call> read_market_item(const Operations& op, const Incoming& in) {
  const auto id = service::id_in_path(in);
  if (!id) return id.error();
  return Call{.operation = &op.read_market_item, .arguments = {*id}, .affinity = writes::affinity_of(*id)};
}

Result<Call> purchase_market_item(const Operations& op, const Incoming& in) {
  const auto id = service::id_in_path(in);
  if (!id) return id.error();
  const auto object = service::object_in_body(in);
  if (!object) return object.error();
  std::vector<Violation> violations;
  json::ObjectReader reader(**object, violations);
  Arguments arguments;
  arguments.add_text("id", id->text());
  business::add_integer(reader, arguments, "quantity", 1, quantity_max, Presence::required);
  business::add_choice(reader, arguments, "deliveryMethod", delivery_methods, Presence::required);
  business::add_nullable_text(reader, arguments, "meetupLocation", meetup_rule);
  reader.refuse_unknown();
  return service::registered_call(op.purchase_market_item, writes::affinity_of(*id), arguments, violations);
}

}  // namespace tenon::crime
