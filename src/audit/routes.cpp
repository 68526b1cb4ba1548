#include "audit/routes.hpp"

#include <algorithm>
#include <charconv>

#include "postgres/queries.hpp"
#include "service/input.hpp"

namespace tenon::audit {
namespace {

using http::Method;
using postgres::Type;
using service::Incoming;
using service::Need;
using writes::Argument;
using writes::Call;

using SharedOperations = std::shared_ptr<const Operations>;

// From the front of `text`, up to `end`, which goes with it; the whole rest when there is no such character.
std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

// 1 to 2^63 - 1: ids of entries and of transactions.
std::optional<std::int64_t> positive(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1) return std::nullopt;
  return number;
}

bool is_snapshot(std::string_view text) {
  constexpr std::size_t bytes_max = 6 * 1024;  // of some hundred transactions under way; the start line takes no more
  if (text.size() > bytes_max || std::ranges::count(text, ':') != 2) return false;
  const auto xmin = positive(take_until(text, ':'));
  const auto xmax = positive(take_until(text, ':'));
  if (!xmin || !xmax || *xmin > *xmax || text.ends_with(',')) return false;
  for (std::int64_t last = *xmin - 1; !text.empty();) {
    const auto running = positive(take_until(text, ','));
    if (!running || *running <= last || *running >= *xmax) return false;
    last = *running;
  }
  return true;
}

Result<Call> list(const Operations& op, const Incoming& in) {
  static constexpr std::string_view known[] = {"entity", "actor", "action", "from", "to", "limit", "cursor"};
  if (auto refusal = service::check_query(in.query, known)) return std::move(*refusal);
  Argument before;
  Argument snapshot;
  if (const auto text = service::query_value(in.query, "cursor")) {
    const auto cursor = parse_list_cursor(*text);
    if (!cursor) return service::bad_cursor();
    before = cursor->before;
    snapshot = std::string(cursor->snapshot);
  }
  const auto entity = service::id_filter(in.query, "entity");
  if (!entity) return entity.error();
  const auto actor = service::text_filter(in.query, "actor");
  if (!actor) return actor.error();
  const auto action = service::text_filter(in.query, "action");
  if (!action) return action.error();
  const auto from = service::date_filter(in.query, "from");
  if (!from) return from.error();
  const auto to = service::date_filter(in.query, "to");
  if (!to) return to.error();
  const auto limit = service::page_limit(in.query);
  if (!limit) return limit.error();
  return Call{.operation = &op.list,
              .arguments = {before, snapshot, *entity, *actor, *action, *from, *to, *limit},
              .affinity = 0};
}

Result<Call> read(const Operations& op, const Incoming& in) {
  const auto id = entry_id(in);
  if (!id) return id.error();
  return Call{.operation = &op.read, .arguments = {*id}, .affinity = 0};
}

}  // namespace

Result<std::int64_t> entry_id(const Incoming& in) {
  const auto id = positive(in.path.at(0));
  if (!id) return problem(ProblemCode::malformed_parameter, "An entry's id is a positive number.");
  return *id;
}

std::optional<ListCursor> parse_list_cursor(std::string_view text) {
  const auto before = positive(take_until(text, '~'));
  if (!before || !is_snapshot(text)) return std::nullopt;
  return ListCursor{.before = *before, .snapshot = text};
}

Operations::Operations()
    : list(writes::read_list("list_audit", postgres::queries::list_audit,
                             {Type::int8, Type::text, Type::uuid, Type::text, Type::text, Type::timestamptz,
                              Type::timestamptz, Type::int4})),
      read(writes::read_list("read_audit", postgres::queries::read_audit, {Type::int8})) {}

void define_limits(service::LimitsTable& limits) { limits.define("audit-read", "600/min"); }

std::vector<service::Route> routes(const SharedOperations& op) {
  const service::Policy auditors{.scope = {},
                                 .key = Need::none,
                                 .precondition = Need::none,
                                 .roles = service::roles::auditor,
                                 .address_limit = "audit-read"};
  service::Policy searching = auditors;
  searching.query = true;
  return {
      {Method::get, "/api/audit-logs", searching, [op](const Incoming& in) { return list(*op, in); }},
      {Method::get, "/api/audit-logs/{id}", auditors, [op](const Incoming& in) { return read(*op, in); }},
  };
}

}  // namespace tenon::audit
