#include "node/revocation_routes.hpp"

#include "encoding/http_date.hpp"
#include "encoding/object_reader.hpp"
#include "postgres/queries.hpp"
#include "service/input.hpp"

namespace tenon {
namespace {

using http::Method;
using json::ObjectReader;
using postgres::Type;
using service::Arguments;
using service::Incoming;
using service::Need;
using writes::Call;
using Presence = ObjectReader::Presence;
namespace roles = service::roles;

constexpr json::TextRule name_rule{.characters_min = 1, .characters_max = limits::subject_bytes_max, .as_it_is = true};
constexpr json::TextRule date_rule{.characters_min = 1, .characters_max = 40};

void add_date(ObjectReader& reader, Arguments& arguments, std::string_view name) {
  const auto text = reader.text(name, date_rule, Presence::optional);
  if (!text) return;
  // PostgreSQL takes fewer offsets than a date may have, and no more digits than these.
  if (const auto date = parse_usable_iso_date(*text)) {
    arguments.add_text(name, format_exact_iso_date(date->at));
  } else {
    reader.violate(name, "must be a date like 2025-12-02T05:21:11Z");
  }
}

// Names are compared byte by byte with those in tokens: they are taken as they are, and bounded in bytes.
void add_name(ObjectReader& reader, Arguments& arguments, std::string_view name) {
  const auto text = reader.text(name, name_rule);
  if (!text) return;
  if (text->size() > limits::subject_bytes_max) {
    reader.violate(name, "must have at most 200 bytes");
  } else {
    arguments.add_text(name, *text);
  }
}

Result<Call> revoke(const RevocationOperations& op, const Incoming& in) {
  const auto object = service::object_in_body(in);
  if (!object) return object.error();
  auto arguments = revocation_arguments(**object);
  if (!arguments) return std::move(arguments.error());
  return Call{.operation = &op.revoke, .arguments = {std::move(*arguments)}, .affinity = 0};
}

Result<Call> lift(const RevocationOperations& op, const Incoming& in) {
  const auto id = service::id_in_path(in);
  if (!id) return id.error();
  return Call{.operation = &op.lift, .arguments = {Arguments().add_text("id", id->text()).text()}, .affinity = 0};
}

Result<Call> list(const RevocationOperations& op, const Incoming& in) {
  const auto page = service::page_alone(in.query);
  if (!page) return page.error();
  return Call{.operation = &op.list, .arguments = {page->after, page->limit}, .affinity = 0};
}

}  // namespace

RevocationOperations::RevocationOperations()
    : revoke(writes::registered_write("revoke_tokens")),
      lift(writes::registered_write("lift_revocation")),
      list(writes::read_list("list_revocations", postgres::queries::list_revocations, {Type::uuid, Type::int4})) {}

Result<std::string> revocation_arguments(const json::Object& wanted) {
  std::vector<Violation> violations;
  ObjectReader reader(wanted, violations);
  Arguments arguments;
  if (reader.has("token_id") == reader.has("user")) {
    reader.ignore("token_id");
    reader.ignore("user");
    violations.push_back({"", "must name either a token_id or a user"});
  } else if (reader.has("user")) {
    add_name(reader, arguments, "user");
    add_date(reader, arguments, "issued_before");
  } else {
    add_name(reader, arguments, "token_id");
    add_date(reader, arguments, "expires_at");
  }
  if (const auto reason = reader.text("reason", {.characters_min = 1, .characters_max = 200}, Presence::optional)) {
    arguments.add_text("reason", *reason);
  }
  reader.refuse_unknown();
  if (!violations.empty()) return json::invalid(std::move(violations));
  return arguments.text();
}

// clang-format off
std::vector<service::Route> revocation_routes(const RevocationOperations& op) {
  const auto with = [&op](auto handler) { return [&op, handler](const Incoming& in) { return handler(op, in); }; };
  return {
    //  method         path                           scope of the key                     key                          token                           who
    {Method::get,     "/api/token-revocations",      {.scope = {},                        .key = Need::none,     .precondition = Need::none, .roles = roles::admin, .query = true}, with(list)},
    {Method::post,    "/api/token-revocations",      {.scope = "token-revocation:create", .key = Need::optional, .precondition = Need::none, .roles = roles::admin},                with(revoke)},
    {Method::delete_, "/api/token-revocations/{id}", {.scope = "token-revocation:lift",   .key = Need::optional, .precondition = Need::none, .roles = roles::admin},                with(lift)},
  };
}
// clang-format on

}  // namespace tenon
