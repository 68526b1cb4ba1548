#include "inventory/handlers.hpp"

#include <algorithm>
#include <charconv>

#include "base/json_string.hpp"
#include "encoding/http_date.hpp"
#include "encoding/object_reader.hpp"

namespace tenon::inventory {
namespace {

using json::ObjectReader;
using Presence = json::ObjectReader::Presence;
using safeguards::Role;
using service::Incoming;
using writes::Argument;
using writes::Call;

constexpr std::int64_t price_hundredths_max = 999'999'999'999;  // numeric(12, 2)
constexpr std::int64_t quantity_max = 1'000'000'000;            // of one request; the stock itself may hold more
constexpr json::TextRule name_rule{.characters_min = 1, .characters_max = 200};
constexpr json::TextRule origin_rule{.characters_min = 1, .characters_max = 100};
constexpr json::TextRule image_rule{.characters_min = 1, .characters_max = 2000};
constexpr std::int64_t page_items = 50;
constexpr std::int64_t page_items_max = 200;

Result<Uuid> id_in_path(const Incoming& in) {
  const auto id = Uuid::parse(in.path.at(0));
  if (!id) return problem(ProblemCode::malformed_parameter, "The id in the path must be a UUID.");
  return *id;
}

Result<const json::Object*> object_in_body(const Incoming& in) {
  const json::Object* object = in.body == nullptr ? nullptr : in.body->object();
  if (object == nullptr) return json::invalid({{"", "must be a JSON object"}});
  return object;
}

// The members of a JSON object for the SQL side, in the order added.
class Arguments {
 public:
  Arguments& add_text(std::string_view name, std::string_view value) { return add(name, json_string(value)); }
  Arguments& add(std::string_view name, std::string_view json) {
    text_ += text_.empty() ? "{" : ",";
    append_json_string(text_, name);
    text_ += ":";
    text_ += json;
    return *this;
  }
  Arguments& add_precondition(const safeguards::Precondition& precondition) {
    if (!precondition.empty()) add("precondition", safeguards::as_json(precondition));
    return *this;
  }
  [[nodiscard]] std::string text() const { return text_.empty() ? "{}" : text_ + "}"; }

 private:
  std::string text_;
};

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

std::optional<std::string_view> query_value(const QueryParameters& query, std::string_view name) {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

// Every parameter known and sent once, or the reason why not.
std::optional<Problem> check_query(const QueryParameters& query, std::span<const std::string_view> known) {
  for (std::size_t i = 0; i < query.size(); ++i) {
    const std::string& name = query[i].first;
    if (std::ranges::find(known, name) == known.end()) {
      return problem(ProblemCode::malformed_parameter, "There is no query parameter \"" + name + "\".");
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (query[j].first == name) return problem(ProblemCode::malformed_parameter, "\"" + name + "\" is given twice.");
    }
  }
  return std::nullopt;
}

Result<std::int64_t> page_limit(const QueryParameters& query) {
  const auto text = query_value(query, "limit");
  if (!text) return page_items;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || value < 1 || value > page_items_max) {
    return problem(ProblemCode::malformed_parameter, "\"limit\" must be 1 to " + std::to_string(page_items_max) + ".");
  }
  return value;
}

// A text filter: absent, or 1 to 200 bytes.
Result<Argument> text_filter(const QueryParameters& query, std::string_view name) {
  const auto text = query_value(query, name);
  if (!text) return Argument{std::monostate{}};
  if (text->empty() || text->size() > 200) {
    return problem(ProblemCode::malformed_parameter, "\"" + std::string(name) + "\" must have 1 to 200 bytes.");
  }
  return Argument{std::string(*text)};
}

Result<Argument> date_filter(const QueryParameters& query, std::string_view name) {
  const auto text = query_value(query, name);
  if (!text) return Argument{std::monostate{}};
  const auto date = parse_iso_date(*text);
  if (!date)
    return problem(ProblemCode::malformed_parameter,
                   "\"" + std::string(name) + "\" must be a date like 2025-12-02T05:21:11Z.");
  return Argument{date->at};
}

Problem bad_cursor() { return problem(ProblemCode::malformed_parameter, "\"cursor\" is not one that a list gave."); }

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

Result<Call> registered(const writes::Operation& operation, const Uuid& entity, Arguments& arguments,
                        std::vector<Violation>& violations) {
  if (!violations.empty()) return json::invalid(std::move(violations));
  return Call{.operation = &operation, .arguments = {arguments.text()}, .affinity = writes::affinity_of(entity)};
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
  return registered(op.create_item, Uuid{}, arguments, violations);
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
    return registered(op.increment_stock, *id, arguments, violations);
  }
  const std::size_t before = arguments.text().size();
  add_descriptions(reader, arguments, Presence::optional);
  reader.refuse_unknown();
  if (violations.empty() && arguments.text().size() == before) {
    violations.push_back({"", "must change something: name, price, origin or image_url, or decrement, or increment"});
  }
  return registered(op.update_item, *id, arguments, violations);
}

Result<Call> delete_item(const Operations& op, const Incoming& in) {
  const auto id = id_in_path(in);
  if (!id) return id.error();
  Arguments arguments;
  arguments.add_text("id", id->text()).add_precondition(in.precondition);
  std::vector<Violation> none;
  return registered(op.delete_item, *id, arguments, none);
}

Result<Call> create_order(const Operations& op, const Incoming& in) {
  const auto object = object_in_body(in);
  if (!object) return object.error();
  std::vector<Violation> violations;
  ObjectReader reader(**object, violations);
  const json::Array* lines = reader.array("lines", 1, 100);
  reader.refuse_unknown();
  std::string rendered = "[";
  Uuid first;
  for (std::size_t i = 0; lines != nullptr && i < lines->size(); ++i) {
    const std::string path = "lines[" + std::to_string(i) + "]";
    const json::Object* line = (*lines)[i].object();
    if (line == nullptr) {
      violations.push_back({path, "must be an object"});
      continue;
    }
    ObjectReader line_reader(*line, violations, path);
    const auto item = line_reader.uuid("item_id");
    const auto quantity = line_reader.integer("quantity", 1, quantity_max);
    line_reader.refuse_unknown();
    if (!item || !quantity) continue;
    if (i == 0) first = *item;
    rendered += (i == 0 ? "" : ",") +
                Arguments().add_text("item_id", item->text()).add("quantity", std::to_string(*quantity)).text();
  }
  Arguments arguments;
  arguments.add("lines", rendered + "]");
  return registered(op.create_order, first, arguments, violations);
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
  Argument after;
  if (const auto cursor = query_value(in.query, "cursor")) {
    const auto id = Uuid::parse(*cursor);
    if (!id) return bad_cursor();
    after = *id;
  }
  return Call{.operation = &op.list_items, .arguments = {*search, *origin, after, *limit}, .affinity = 0};
}

Result<Call> list_audit(const Operations& op, const Incoming& in) {
  static constexpr std::string_view known[] = {"entity", "actor", "action", "from", "to", "limit", "cursor"};
  if (auto refusal = check_query(in.query, known)) return std::move(*refusal);
  Argument before;
  if (const auto cursor = query_value(in.query, "cursor")) {
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(cursor->data(), cursor->data() + cursor->size(), id);
    if (error != std::errc{} || end != cursor->data() + cursor->size() || id < 1) return bad_cursor();
    before = id;
  }
  Argument entity;
  if (const auto text = query_value(in.query, "entity")) {
    const auto id = Uuid::parse(*text);
    if (!id) return problem(ProblemCode::malformed_parameter, "\"entity\" must be a UUID.");
    entity = *id;
  }
  const auto actor = text_filter(in.query, "actor");
  if (!actor) return actor.error();
  const auto action = text_filter(in.query, "action");
  if (!action) return action.error();
  const auto from = date_filter(in.query, "from");
  if (!from) return from.error();
  const auto to = date_filter(in.query, "to");
  if (!to) return to.error();
  const auto limit = page_limit(in.query);
  if (!limit) return limit.error();
  return Call{
      .operation = &op.list_audit, .arguments = {before, entity, *actor, *action, *from, *to, *limit}, .affinity = 0};
}

}  // namespace tenon::inventory
