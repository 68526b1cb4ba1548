// RFC 9530: Content-Digest, made and checked over the content as it was received.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

namespace tenon::signature {

enum class DigestAlgorithm : std::uint8_t { sha_256, sha_512 };

// The header's value: `sha-256=:...:`.
[[nodiscard]] std::string content_digest(std::string_view body, DigestAlgorithm algorithm = DigestAlgorithm::sha_256);

// Nothing when the header's lines are a dictionary in which sha-256 or sha-512 (or both) stand with the digest of
// `body`. Algorithms that we do not know say nothing; those that are broken (md5, sha, ...) count as unknown.
// content_digest_mismatch for everything else, a missing header included.
[[nodiscard]] std::optional<Problem> check_content_digest(const http::Request& request);

}  // namespace tenon::signature
