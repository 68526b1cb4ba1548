#include "service/input.hpp"

#include <algorithm>
#include <charconv>

#include "base/json_string.hpp"
#include "encoding/http_date.hpp"
#include "encoding/object_reader.hpp"

namespace tenon::service {
namespace {

using writes::Argument;

// The longest text that is filtered by has 200 characters, of four bytes each: what can be stored can be asked for.
constexpr std::size_t filter_bytes_max = 800;

Problem malformed(std::string detail) { return problem(ProblemCode::malformed_parameter, std::move(detail)); }

std::string quoted(std::string_view name) { return '"' + std::string(name) + '"'; }

}  // namespace

Arguments& Arguments::add(std::string_view name, std::string_view json) {
  text_ += text_.empty() ? "{" : ",";
  append_json_string(text_, name);
  text_ += ":";
  text_ += json;
  return *this;
}

Arguments& Arguments::add_text(std::string_view name, std::string_view value) { return add(name, json_string(value)); }

Arguments& Arguments::add_precondition(const safeguards::Precondition& precondition) {
  if (!precondition.empty()) add("precondition", safeguards::as_json(precondition));
  return *this;
}

Result<writes::Call> registered_call(const writes::Operation& operation, std::uint64_t affinity,
                                     const Arguments& arguments, std::vector<Violation>& violations) {
  if (!violations.empty()) return json::invalid(std::move(violations));
  return writes::Call{.operation = &operation, .arguments = {arguments.text()}, .affinity = affinity};
}

Result<Uuid> id_in_path(const Incoming& in) {
  const auto id = Uuid::parse(in.path.at(0));
  if (!id) return malformed("The id in the path must be a UUID.");
  return *id;
}

Result<const json::Object*> object_in_body(const Incoming& in) {
  const json::Object* object = in.body == nullptr ? nullptr : in.body->object();
  if (object == nullptr) return json::invalid({{"", "must be a JSON object"}});
  return object;
}

std::optional<std::string_view> query_value(const QueryParameters& query, std::string_view name) {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::optional<Problem> check_query(const QueryParameters& query, std::span<const std::string_view> known) {
  for (std::size_t i = 0; i < query.size(); ++i) {
    const std::string& name = query[i].first;
    if (std::ranges::find(known, name) == known.end())
      return malformed("There is no query parameter " + quoted(name) + ".");
    for (std::size_t j = 0; j < i; ++j) {
      if (query[j].first == name) return malformed(quoted(name) + " is given twice.");
    }
  }
  return std::nullopt;
}

Result<std::int64_t> integer_parameter(const QueryParameters& query, std::string_view name, std::int64_t least,
                                       std::int64_t most, std::int64_t missing) {
  const auto text = query_value(query, name);
  if (!text) return missing;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || value < least || value > most) {
    return malformed(quoted(name) + " must be " + std::to_string(least) + " to " + std::to_string(most) + ".");
  }
  return value;
}

Result<std::int64_t> page_limit(const QueryParameters& query) {
  return integer_parameter(query, "limit", 1, page_items_max, page_items);
}

Result<Argument> text_filter(const QueryParameters& query, std::string_view name) {
  const auto text = query_value(query, name);
  if (!text) return Argument{std::monostate{}};
  if (text->empty() || text->size() > filter_bytes_max) {
    return malformed(quoted(name) + " must have 1 to " + std::to_string(filter_bytes_max) + " bytes.");
  }
  return Argument{std::string(*text)};
}

Result<Argument> date_filter(const QueryParameters& query, std::string_view name) {
  const auto text = query_value(query, name);
  if (!text) return Argument{std::monostate{}};
  const auto date = parse_iso_date(*text);
  if (!date) return malformed(quoted(name) + " must be a date like 2025-12-02T05:21:11Z.");
  return Argument{date->at};
}

Result<Argument> choice_filter(const QueryParameters& query, std::string_view name,
                               std::span<const std::string_view> values) {
  const auto text = query_value(query, name);
  if (!text) return Argument{std::monostate{}};
  if (std::ranges::find(values, *text) == values.end()) {
    std::string rule = quoted(name) + " must be one of";
    for (const std::string_view& each : values) rule.append(&each == values.data() ? " " : ", ").append(each);
    return malformed(rule + ".");
  }
  return Argument{std::string(*text)};
}

Result<Argument> id_filter(const QueryParameters& query, std::string_view name) {
  const auto text = query_value(query, name);
  if (!text) return Argument{std::monostate{}};
  const auto id = Uuid::parse(*text);
  if (!id) return malformed(quoted(name) + " must be a UUID.");
  return Argument{*id};
}

Result<Argument> id_cursor(const QueryParameters& query) {
  auto id = id_filter(query, "cursor");
  if (!id) return bad_cursor();
  return id;
}

Result<Page> page_alone(const QueryParameters& query) {
  static constexpr std::string_view known[] = {"limit", "cursor"};
  if (auto refusal = check_query(query, known)) return std::move(*refusal);
  const auto limit = page_limit(query);
  if (!limit) return limit.error();
  auto after = id_cursor(query);
  if (!after) return after.error();
  return Page{.after = *std::move(after), .limit = *limit};
}

Problem bad_cursor() { return malformed("\"cursor\" is not one that a list gave."); }

}  // namespace tenon::service
