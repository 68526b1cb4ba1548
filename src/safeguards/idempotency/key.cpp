#include "safeguards/idempotency/key.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "base/limits.hpp"
#include "base/test_switch.hpp"
#include "encoding/canonical_json.hpp"
#include "encoding/structured_field.hpp"

namespace tenon::safeguards {
namespace {

[[nodiscard]] Problem malformed(std::string detail) {
  return problem(ProblemCode::idempotency_key_malformed, std::move(detail));
}

[[nodiscard]] Problem wrong_length() {
  return malformed("An Idempotency-Key has 1 to " + std::to_string(limits::idempotency_key_bytes_max) + " characters.");
}

// Two quotes, and a backslash before each character: more than that unquotes to a key that is too long.
constexpr std::size_t quoted_bytes_max = 2 + 2 * limits::idempotency_key_bytes_max;

[[nodiscard]] constexpr bool is_bare_character(char c) noexcept {
  return c > ' ' && c < '\x7f' && c != ',' && c != ';' && c != '"' && c != '\\';
}

[[nodiscard]] Result<std::string> unquoted(std::string_view header_value) {
  auto item = structured::parse_item(header_value);
  if (!item || !std::holds_alternative<std::string>(item->value)) {
    return malformed("The Idempotency-Key begins with a quote but is not one RFC 9651 String.");
  }
  if (!item->parameters.empty()) return malformed("The Idempotency-Key carries parameters.");
  return std::get<std::string>(std::move(item->value));
}

// Big-endian length, then the bytes.
void append_part(std::string& out, std::string_view part) {
  const std::uint64_t size = part.size();
  const auto length =
      std::bit_cast<std::array<char, 8>>(std::endian::native == std::endian::little ? std::byteswap(size) : size);
  out.append(length.data(), length.size()).append(part);
}

}  // namespace

Result<std::optional<std::string>> idempotency_key(const http::Request& request) {
  const auto [count, value] = request.find("Idempotency-Key");
  if (count == 0) return std::optional<std::string>{};
  if (count > 1) return malformed("There are several Idempotency-Key headers.");
  auto key = parse_idempotency_key(value);
  if (!key) return std::move(key).error();
  return std::optional<std::string>(*std::move(key));
}

Result<std::string> parse_idempotency_key(std::string_view header_value) {
  if (header_value.empty() || header_value.size() > quoted_bytes_max) return wrong_length();
  std::string key(header_value);
  if (header_value.front() == '"') {
    auto text = unquoted(header_value);
    if (!text) return text;
    key = *std::move(text);
  } else if (!std::ranges::all_of(header_value, is_bare_character)) {
    return malformed(
        "An Idempotency-Key without quotes is visible ASCII without comma, semicolon, quote and backslash.");
  }
  if (key.empty() || key.size() > limits::idempotency_key_bytes_max) return wrong_length();
  return key;
}

Digest fingerprint(const http::Request& request, const json::Value* body) {
  const std::string canonical = body == nullptr ? std::string() : json::canonical(*body);
  std::string text;
  text.reserve(1 + 4 * 8 + 8 + request.path.size() + request.query.size() + canonical.size());
  text.push_back(static_cast<char>(fingerprint_version));
  append_part(text, http::name_of(request.method));
  append_part(text, request.path);
  append_part(text, request.query);
  // No body is one part less than the body `null`.
  if (body != nullptr) append_part(text, canonical);
  return sha256(text);
}

Uuid claim_of(std::string_view scope, std::string_view user, std::string_view key) {
  std::string text;
  text.reserve(24 + scope.size() + user.size() + key.size());
  append_part(text, scope);
  append_part(text, test_switch::on(test_switch::Mutant::key_without_user) ? "" : user);
  append_part(text, key);
  const Digest digest = sha256(text);
  Uuid claim;
  std::copy_n(digest.begin(), claim.bytes.size(), claim.bytes.begin());
  return claim;
}

}  // namespace tenon::safeguards
