// What a limited answer tells its client: draft-ietf-httpapi-ratelimit-headers and the older X-RateLimit-* names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "http/message.hpp"
#include "safeguards/rate_limit/limit.hpp"

namespace tenon::safeguards {

enum class HeaderStyle : std::uint8_t { none, draft, legacy, both };
[[nodiscard]] std::optional<HeaderStyle> header_style_named(std::string_view name) noexcept;

// A limit that a request was charged against, and what its bucket said.
struct Told {
  const Limit* limit;
  BucketDecision decision;
};

// draft: `RateLimit-Policy: "name";q=20;w=60` and `RateLimit: "name";r=19;t=3`, RFC 9651 Lists of all limits. legacy:
// X-RateLimit-Limit/-Remaining/-Reset, which have room for one: the one that refused, else the one with the least left.
// Seconds rounded up; `t` and Reset count them until the next token is there. No limits: no headers.
void add_rate_limit_headers(http::Response& response, std::span<const Told> told, HeaderStyle style);

// Whole seconds, rounded up, at least 1.
[[nodiscard]] std::uint32_t retry_after_seconds(const BucketDecision& decision) noexcept;

}  // namespace tenon::safeguards
