// Makes the headers that verify.hpp accepts. Pure: time and nonce are arguments.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http/message.hpp"
#include "safeguards/signature/key.hpp"

namespace tenon::signature {

struct SignatureHeaders {
  std::string input;      // Signature-Input
  std::string signature;  // Signature
};

// Signs all that required_cover() names, under the label `tenon`. The request has its Host and, where it has a body,
// its Content-Digest among the headers already. Nothing when a component's value cannot be signed (a header that is not
// ASCII) or the nonce's length is none that is accepted.
[[nodiscard]] std::optional<SignatureHeaders> sign(const http::Request& request, const SigningKey& key,
                                                   std::string_view key_id, std::string_view nonce, Instant created);

// 128 random bits, base64url.
[[nodiscard]] std::string random_nonce();

}  // namespace tenon::signature
