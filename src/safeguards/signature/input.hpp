// The Signature-Input and Signature headers (RFC 9421 section 4), read without looking at any key.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "encoding/structured_field.hpp"
#include "http/message.hpp"

namespace tenon::signature {

inline constexpr std::size_t signatures_max = 4;
inline constexpr std::size_t components_max = 32;
inline constexpr std::size_t nonce_bytes_min = 8;
inline constexpr std::size_t nonce_bytes_max = 128;
inline constexpr std::string_view our_label = "tenon";

// What a request claims about its signature; nothing of it is known to be true.
struct Presented {
  structured::InnerList covered;  // with all parameters, as the signature base repeats them
  std::string signature;
  std::string key_id;
  std::string nonce;
  std::string algorithm;  // `alg`; empty: not said
  std::int64_t created = 0;
  std::optional<std::int64_t> expires;
  [[nodiscard]] bool covers(std::string_view name) const noexcept;  // without parameters
};

// The signature labelled `tenon`, or the only one there is; nothing when the request has neither header.
// signature_malformed: one header without the other, not RFC 9651 dictionaries, several signatures of which none is
// labelled so, more than signatures_max, or one without an integer `created`, a `keyid` and a `nonce` of
// nonce_bytes_min to nonce_bytes_max characters, or with parameters of another type, or more than components_max
// components.
[[nodiscard]] Result<std::optional<Presented>> read_signature(const http::Request& request);

// The first half of the SHA-256 of key and nonce: under which a nonce is remembered.
[[nodiscard]] Uuid nonce_claim(std::string_view key_id, std::string_view nonce);

}  // namespace tenon::signature
