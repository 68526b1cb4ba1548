#include "node/signing_key_routes.hpp"

#include <array>

#include "base/limits.hpp"
#include "encoding/http_date.hpp"
#include "encoding/object_reader.hpp"
#include "encoding/structured_field.hpp"
#include "postgres/queries.hpp"
#include "safeguards/signature/key.hpp"
#include "service/input.hpp"
#include "service/signing_keys.hpp"

namespace tenon {
namespace {

using http::Method;
using json::ObjectReader;
using Presence = json::ObjectReader::Presence;
using service::Incoming;
using service::Need;
using writes::Call;
namespace roles = service::roles;

constexpr json::TextRule user_rule{.characters_min = 1, .characters_max = limits::subject_bytes_max, .as_it_is = true};
constexpr json::TextRule label_rule{.characters_min = 0, .characters_max = 200};
constexpr json::TextRule material_rule{.characters_min = 1, .characters_max = signature::key_pem_bytes_max};

std::vector<std::string_view> algorithm_names() {
  std::vector<std::string_view> names;
  for (const signature::Algorithm algorithm : signature::algorithms) names.push_back(name_of(algorithm));
  return names;
}

// Standard base64, as RFC 9651 writes bytes.
std::optional<std::string> base64_decoded(const std::string& text) {
  const auto item = structured::parse_item(":" + text + ":");
  const auto* bytes = item ? std::get_if<structured::Bytes>(&item->value) : nullptr;
  if (bytes == nullptr || !item->parameters.empty()) return std::nullopt;
  return bytes->bytes;
}

// `public_key` for all algorithms but one, whose key is a `secret`.
std::string read_material(ObjectReader& reader, const std::string& algorithm) {
  const bool shared = algorithm == name_of(signature::Algorithm::hmac_sha256);
  const auto text = reader.text(shared ? "secret" : "public_key", material_rule);
  if (!text || !shared) return text.value_or("");
  auto secret = base64_decoded(*text);
  if (!secret) reader.violate("secret", "must be base64");
  return secret.value_or("");
}

Result<Call> add_key(const SigningKeyOperations& op, const signature::SecretSealer& sealer, const Incoming& in) {
  const auto object = service::object_in_body(in);
  if (!object) return object.error();
  std::vector<Violation> violations;
  ObjectReader reader(**object, violations);
  NewSigningKey key{.id = random_uuid(), .user = {}, .algorithm = {}, .material = {}, .label = {}, .expires = {}};
  key.user = reader.text("user", user_rule).value_or("");
  if (key.user.size() > limits::subject_bytes_max) reader.violate("user", "must have at most 200 bytes");
  key.algorithm = reader.one_of("algorithm", algorithm_names()).value_or("");
  if (!key.algorithm.empty()) key.material = read_material(reader, key.algorithm);
  key.label = reader.text("label", label_rule, Presence::optional).value_or("");
  if (const auto expires = reader.text("expires_at", {}, Presence::optional)) {
    const auto date = parse_usable_iso_date(*expires);
    if (!date) reader.violate("expires_at", "must be an ISO 8601 date with a time zone");
    if (date) key.expires = date->at;
  }
  reader.refuse_unknown();
  if (!violations.empty()) return json::invalid(std::move(violations));
  auto arguments = signing_key_arguments(key, sealer);
  if (!arguments) {
    reader.violate(key.algorithm == "hmac-sha256" ? "secret" : "public_key", arguments.error());
    return json::invalid(std::move(violations));
  }
  return Call{.operation = &op.add, .arguments = {*std::move(arguments)}, .affinity = writes::affinity_of(key.id)};
}

Result<Call> revoke_key(const SigningKeyOperations& op, const Incoming& in) {
  const auto id = service::id_in_path(in);
  if (!id) return id.error();
  service::Arguments arguments;
  arguments.add_text("id", id->text());
  return Call{.operation = &op.revoke, .arguments = {arguments.text()}, .affinity = writes::affinity_of(*id)};
}

Result<Call> list_keys(const SigningKeyOperations& op, const Incoming& in) {
  constexpr std::array<std::string_view, 3> known{"user", "cursor", "limit"};
  if (auto refusal = service::check_query(in.query, known)) return *std::move(refusal);
  auto user = service::text_filter(in.query, "user");
  if (!user) return user.error();
  auto after = service::id_cursor(in.query);
  if (!after) return after.error();
  const auto limit = service::page_limit(in.query);
  if (!limit) return limit.error();
  return Call{.operation = &op.list, .arguments = {*std::move(user), *std::move(after), *limit}, .affinity = 0};
}

}  // namespace

SigningKeyOperations::SigningKeyOperations()
    : list(writes::read_list("list_signing_keys", postgres::queries::list_signing_keys,
                             {postgres::Type::text, postgres::Type::uuid, postgres::Type::int4})) {}

std::expected<std::string, std::string> signing_key_arguments(const NewSigningKey& key,
                                                              const signature::SecretSealer& sealer) {
  const auto algorithm = signature::algorithm_named(key.algorithm);
  if (!algorithm) return std::unexpected("there is no algorithm \"" + key.algorithm + "\"");
  if (const auto usable = signature::VerifyingKey::load(*algorithm, key.material); !usable) {
    return std::unexpected(usable.error());
  }
  const bool shared = *algorithm == signature::Algorithm::hmac_sha256;
  service::Arguments arguments;
  arguments.add_text("id", key.id.text()).add_text("user", key.user).add_text("algorithm", key.algorithm);
  arguments.add_text(
      "material",
      shared ? sealer.seal(key.material, service::sealing_context(key.id, key.user, key.algorithm)) : key.material);
  arguments.add_text("label", key.label);
  if (key.expires) arguments.add_text("expires_at", format_iso_date(*key.expires));
  return arguments.text();
}

// clang-format off
std::vector<service::Route> signing_key_routes(const SigningKeyOperations& op, const signature::SecretSealer& sealer) {
  return {
    //  method         path                        scope of the key                key                          who
    {Method::get,     "/api/signing-keys",      {.scope = {},                    .key = Need::none,     .roles = roles::admin, .query = true}, service::CallHandler([&op](const Incoming& in) { return list_keys(op, in); })},
    {Method::post,    "/api/signing-keys",      {.scope = "signing-keys:add",    .key = Need::required, .roles = roles::admin},                service::CallHandler([&op, &sealer](const Incoming& in) { return add_key(op, sealer, in); })},
    {Method::delete_, "/api/signing-keys/{id}", {.scope = "signing-keys:revoke", .key = Need::optional, .roles = roles::admin},                service::CallHandler([&op](const Incoming& in) { return revoke_key(op, in); })},
  };
}
// clang-format on

}  // namespace tenon
