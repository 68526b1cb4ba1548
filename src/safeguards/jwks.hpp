// JSON Web Key Sets (RFC 7517) of public signing keys.
#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "safeguards/token_key.hpp"

namespace tenon::safeguards {

struct KeySet {
  std::shared_ptr<const TokenKeys> keys;  // one at least
  std::vector<std::string> passed_over;   // keys that are there and not taken, each with the reason, for the log
};

// Takes the keys that verify one of `algorithms`: RSA (RS256, PS256), P-256 (ES256), Ed25519 (EdDSA). A key has one
// algorithm: its `alg`, or else the only one of `algorithms` that fits it. Passed over: keys of other kinds, for
// another use (`use`, `key_ops`), of another algorithm, weak or wrong ones, those whose id has more than 200 bytes. The
// whole set is refused, with one sentence: not JSON as we take it (one member twice, more than
// limits::key_set_bytes_max), no `keys`, more than limits::key_set_keys_max, a private or symmetric key among them (it
// is secret no more), two usable keys of one id, or none that can be used.
[[nodiscard]] std::expected<KeySet, std::string> parse_key_set(std::string_view text,
                                                               std::span<const TokenAlgorithm> algorithms);

}  // namespace tenon::safeguards
