// What a limited answer tells its client: draft-ietf-httpapi-ratelimit-headers and the older X-RateLimit-* names.
#pragma once

#include <cstdint>

#include "http/message.hpp"
#include "safeguards/rate_limit/limit.hpp"

namespace tenon::safeguards {

// RateLimit-Policy: "name";q=20;w=60, RateLimit: "name";r=19;t=3, X-RateLimit-Limit/-Remaining/-Reset, through the RFC
// 9651 serializer. Seconds rounded up; `t` and Reset count them until the next token is there. A response may carry
// several limits: the RateLimit fields are lists, the X- ones tell of the limit that was added first.
void add_rate_limit_headers(http::Response& response, const Limit& limit, const BucketDecision& decision);

// Whole seconds, rounded up, at least 1.
[[nodiscard]] std::uint32_t retry_after_seconds(const BucketDecision& decision) noexcept;

}  // namespace tenon::safeguards
