// What the handlers of every API read from a request in the same way, and how they hand it on to the database.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "encoding/json.hpp"
#include "safeguards/precondition/token.hpp"
#include "service/route.hpp"
#include "writes/operation.hpp"

namespace tenon::service {

inline constexpr std::int64_t page_items = 50;
inline constexpr std::int64_t page_items_max = 200;

// The members of a JSON object for the SQL side, in the order added.
class Arguments {
 public:
  Arguments& add(std::string_view name, std::string_view json);
  Arguments& add_text(std::string_view name, std::string_view value);
  Arguments& add_precondition(const safeguards::Precondition& precondition);  // none sent: none added
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  [[nodiscard]] std::string text() const { return text_.empty() ? "{}" : text_ + "}"; }

 private:
  std::string text_;
};

// A call of a registered write, or every rule that the body broke. Commands on one entity share a lane.
[[nodiscard]] Result<writes::Call> registered_call(const writes::Operation& operation, std::uint64_t affinity,
                                                   const Arguments& arguments, std::vector<Violation>& violations);

// malformed_parameter when the first part of the path is not a UUID.
[[nodiscard]] Result<Uuid> id_in_path(const Incoming& in);
// validation_failed when the body is not an object.
[[nodiscard]] Result<const json::Object*> object_in_body(const Incoming& in);

// Of the query string; all refuse with malformed_parameter.
[[nodiscard]] std::optional<std::string_view> query_value(const QueryParameters& query, std::string_view name);
// Every parameter known and sent once, or the reason why not.
[[nodiscard]] std::optional<Problem> check_query(const QueryParameters& query, std::span<const std::string_view> known);
[[nodiscard]] Result<std::int64_t> integer_parameter(const QueryParameters& query, std::string_view name,
                                                     std::int64_t least, std::int64_t most, std::int64_t missing);
[[nodiscard]] Result<std::int64_t> page_limit(const QueryParameters& query);
// Null when the parameter is absent.
[[nodiscard]] Result<writes::Argument> text_filter(const QueryParameters& query, std::string_view name);
[[nodiscard]] Result<writes::Argument> date_filter(const QueryParameters& query, std::string_view name);
[[nodiscard]] Result<writes::Argument> choice_filter(const QueryParameters& query, std::string_view name,
                                                     std::span<const std::string_view> values);
[[nodiscard]] Result<writes::Argument> id_filter(const QueryParameters& query, std::string_view name);
[[nodiscard]] Result<writes::Argument> id_cursor(const QueryParameters& query);  // "cursor"
[[nodiscard]] Problem bad_cursor();
// Where a list that has no filters goes on: its query string may have `limit` and `cursor`, nothing else.
struct Page {
  writes::Argument after;
  std::int64_t limit;
};
[[nodiscard]] Result<Page> page_alone(const QueryParameters& query);

}  // namespace tenon::service
