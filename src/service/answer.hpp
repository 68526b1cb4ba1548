// From the database's reply to the response a client gets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "writes/reply.hpp"

namespace tenon::service {

// Status, body, ETag, Last-Modified, Location and Audit-Id: what a replay repeats byte for byte. `body` is the reply's,
// which may be moved there; the reply's own is not looked at.
[[nodiscard]] http::Response answer(const writes::Reply& reply, std::string body);

// Idempotency-Key as it was sent, Idempotency-Status, Idempotency-Expires.
void add_idempotency_headers(http::Response& response, const writes::Reply& reply, std::string_view key_header);

}  // namespace tenon::service
