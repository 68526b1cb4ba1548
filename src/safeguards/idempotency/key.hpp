// The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header) and what identifies a stored answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "encoding/json.hpp"
#include "http/message.hpp"

namespace tenon::safeguards {

// The key of a request: an RFC 9651 String ("abc") or the same text bare (abc: visible ASCII without comma, semicolon,
// quote and backslash). 1 to limits::idempotency_key_bytes_max bytes after unquoting. Nothing when there is no header.
// idempotency_key_malformed: empty, longer, two header lines, a list, parameters, a broken quoted string.
[[nodiscard]] Result<std::optional<std::string>> idempotency_key(const http::Request& request);
[[nodiscard]] Result<std::string> parse_idempotency_key(std::string_view header_value);

// SHA-256 over a version number, method, path, query and the RFC 8785 form of the body (`body` null: no body). Each
// part is preceded by its length, so that no two requests share the hashed bytes.
inline constexpr std::uint8_t fingerprint_version = 1;
[[nodiscard]] Digest fingerprint(const http::Request& request, const json::Value* body);

// What the unique index holds for (scope, user, key): the first 128 bits of their SHA-256, each preceded by its length.
[[nodiscard]] Uuid claim_of(std::string_view scope, std::string_view user, std::string_view key);

}  // namespace tenon::safeguards
