// RFC 4648 section 4, with padding: as signed notes and proofs write hashes and keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "audit/merkle.hpp"

namespace tenon::audit {

[[nodiscard]] std::string base64(std::string_view bytes);
// Strict: nothing but the alphabet, padded, unused bits zero.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);
[[nodiscard]] std::optional<Hash> base64_hash(std::string_view text);

}  // namespace tenon::audit
