#include "inventory/handlers.hpp"

#include "encoding/object_reader.hpp"
#include "service/input.hpp"

namespace tenon::inventory {
namespace {

using json::ObjectReader;
using Presence = json::ObjectReader::Presence;
using safeguards::Role;
using service::Arguments;
using service::bad_cursor;
using service::check_query;
using service::id_cursor;
using service::id_in_path;
using service::Incoming;
using service::object_in_body;
using service::page_limit;
using service::query_value;
using service::registered_call;
using service::text_filter;
using writes::Argument;
using writes::Call;

constexpr std::int64_t price_hundredths_max = 999'999'999'999;  // numeric(12, 2)
constexpr std::int64_t quantity_max = 1'000'000'000;            // of one request; the stock itself may hold more
constexpr json::TextRule name_rule{.characters_min = 1, .characters_max = 200};
constexpr json::TextRule origin_rule{.characters_min = 1, .characters_max = 100};
constexpr json::TextRule image_rule{.characters_min = 1, .characters_max = 2000};

void check_image(ObjectReader& reader, const std::optional<std::string>& url) {
  if (!url || url->starts_with("https://") || url->starts_with("http://") || url->starts_with("/")) return;
  reader.violate("image_url", "must begin with https://, http:// or /");
}

// Reads what create and edit have in common.
void add_descriptions(ObjectReader& reader, Arguments& arguments, Presence presence) {
  if (const auto name = reader.text("name", name_rule, presence)) arguments.add_text("name", *name);
  if (const auto price = reader.decimal("price", 1, price_hundredths_max, presence)) {
    arguments.add("price", json::decimal_text(*price));
  }
  if (reader.is_null("origin")) {
    arguments.add("origin", "null");
  } else if (const auto origin = reader.text("origin", origin_rule, Presence::optional)) {
    arguments.add_text("origin", *origin);
  }
  if (reader.is_null("image_url")) {
    arguments.add("image_url", "null");
  } else if (const auto url = reader.text("image_url", image_rule, Presence::optional)) {
    check_image(reader, url);
    arguments.add_text("image_url", *url);
  }
}

Result<Call> decrement(const Operations& op, const Incoming& in, const Uuid& id, ObjectReader& reader,
                       std::vector<Violation>& violations) {
  const auto quantity = reader.integer("decrement", 1, quantity_max);
  reader.refuse_unknown();
  if (!violations.empty()) return json::invalid(std::move(violations));
  Argument precondition;
  if (!in.precondition.empty()) precondition = safeguards::as_json(in.precondition);
  return Call{.operation = &op.decrement_stock,
              .arguments = {id, *quantity, std::move(precondition)},
              .affinity = writes::affinity_of(id)};
}

Result<Call> of_admins(Result<Call> call) {
  if (call) call->role = name_of(Role::admin);
  return call;
}

}  // namespace

Result<Call> create_item(const Operations& op, const Incoming& in) {
  const auto object = object_in_body(in);
  if (!object) return object.error();
  std::vector<Violation> violations;
  ObjectReader reader(**object, violations);
  Arguments arguments;
  add_descriptions(reader, arguments, Presence::required);
  if (const auto quantity = reader.integer("quantity_available", 0, quantity_max, Presence::optional)) {
    arguments.add("quantity_available", std::to_string(*quantity));
  }
  reader.refuse_unknown();
  return registered_call(op.create_item, 0, arguments, violations);
}

Result<Call> change_item(const Operations& op, const Incoming& in) {
  const auto id = id_in_path(in);
  if (!id) return id.error();
  const auto object = object_in_body(in);
  if (!object) return object.error();
  std::vector<Violation> violations;
  ObjectReader reader(**object, violations);
  reader.ignore("version");  // concurrency tokens, read by the chain
  reader.ignore("ifUnmodifiedSince");

  const bool sells = reader.has("decrement");
  if (!sells && !in.caller.roles.any_of(Role::admin)) {
    return problem(ProblemCode::forbidden, "Selling is for staff; to restock or edit, be an admin.");
  }
  if (sells && reader.has("increment")) {
    return json::invalid({{"", "must be either a decrement, an increment or an edit"}});
  }
  if (sells) return decrement(op, in, *id, reader, violations);

  Arguments arguments;
  arguments.add_text("id", id->text()).add_precondition(in.precondition);
  if (reader.has("increment")) {
    if (const auto quantity = reader.integer("increment", 1, quantity_max)) {
      arguments.add("increment", std::to_string(*quantity));
    }
    reader.refuse_unknown();
    return of_admins(registered_call(op.increment_stock, writes::affinity_of(*id), arguments, violations));
  }
  const std::size_t before = arguments.text().size();
  add_descriptions(reader, arguments, Presence::optional);
  reader.refuse_unknown();
  if (violations.empty() && arguments.text().size() == before) {
    violations.push_back({"", "must change something: name, price, origin or image_url, or decrement, or increment"});
  }
  return of_admins(registered_call(op.update_item, writes::affinity_of(*id), arguments, violations));
}

Result<Call> delete_item(const Operations& op, const Incoming& in) {
  const auto id = id_in_path(in);
  if (!id) return id.error();
  Arguments arguments;
  arguments.add_text("id", id->text()).add_precondition(in.precondition);
  std::vector<Violation> none;
  return registered_call(op.delete_item, writes::affinity_of(*id), arguments, none);
}

Result<Call> create_order(const Operations& op, const Incoming& in) {
  const auto object = object_in_body(in);
  if (!object) return object.error();
  std::vector<Violation> violations;
  ObjectReader reader(**object, violations);
  std::string rendered;
  Uuid first;
  reader.objects("lines", 1, 100, Presence::required, [&](ObjectReader& line) {
    const auto item = line.uuid("item_id");
    const auto quantity = line.integer("quantity", 1, quantity_max);
    if (!item || !quantity) return;
    if (rendered.empty()) first = *item;
    rendered += (rendered.empty() ? "[" : ",") +
                Arguments().add_text("item_id", item->text()).add("quantity", std::to_string(*quantity)).text();
  });
  reader.refuse_unknown();
  Arguments arguments;
  arguments.add("lines", rendered + "]");
  return registered_call(op.create_order, writes::affinity_of(first), arguments, violations);
}

Result<Call> read_item(const Operations& op, const Incoming& in) {
  const auto id = id_in_path(in);
  if (!id) return id.error();
  return Call{.operation = &op.read_item, .arguments = {*id}, .affinity = writes::affinity_of(*id)};
}

Result<Call> list_items(const Operations& op, const Incoming& in) {
  static constexpr std::string_view known[] = {"search", "origin", "limit", "cursor"};
  if (auto refusal = check_query(in.query, known)) return std::move(*refusal);
  const auto search = text_filter(in.query, "search");
  if (!search) return search.error();
  const auto origin = text_filter(in.query, "origin");
  if (!origin) return origin.error();
  const auto limit = page_limit(in.query);
  if (!limit) return limit.error();
  const auto after = id_cursor(in.query);
  if (!after) return after.error();
  return Call{.operation = &op.list_items, .arguments = {*search, *origin, *after, *limit}, .affinity = 0};
}

}  // namespace tenon::inventory
