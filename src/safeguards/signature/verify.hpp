// Is this request what the owner of a key signed, and lately? A pure decision: (request, key, now) to a verdict.
//
// Posture: reads bytes of strangers; all sizes are bounded; keeps nothing. That a nonce is used once is not decided
// here but in the database, in the transaction of the write (sql/migrations/*_signatures.sql).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/message.hpp"
#include "safeguards/signature/input.hpp"
#include "safeguards/signature/key.hpp"

namespace tenon::signature {

// docs/reference/signatures.md says what follows from them.
struct Rules {
  std::chrono::seconds window{50};       // how old a signature may be, counted from `created`
  std::chrono::seconds skew{5};          // how far in the future `created` may lie: clocks differ
  std::vector<std::string> authorities;  // host[:port] that this service is called by, in lower case; empty: any
};

// A user's key, as the database knows it.
struct Key {
  std::string id;
  std::string user;
  VerifyingKey verifier;
  std::optional<Instant> expires;
  bool revoked = false;
};

// A signature that is right. `created` is the signer's own word, bounded by the rules.
struct Verified {
  std::string key_id;
  std::string nonce;
  Instant created;
};

// What a signature must cover of `request`: @method, @authority, @path and @query always; content-digest when there is
// a body; idempotency-key, content-type, if-match, if-match-version, if-unmodified-since and if-none-match where the
// request carries them. What is not covered is the attacker's to write, and none of the rest has a say in the result.
[[nodiscard]] std::vector<std::string_view> required_cover(const http::Request& request);

// What may be said before any key is looked at: signature_incomplete (cover), content_digest_mismatch, and
// signature_expired: `created` or `expires` is outside of the window.
[[nodiscard]] std::optional<Problem> check_presented(const http::Request& request, const Presented& presented,
                                                     const Rules& rules, Instant now);

// The whole decision. `key`: what is known under presented.key_id; null: nothing. `user`: whom the bearer token names.
// One answer, signature_invalid, for everything that has to do with the key: unknown, revoked, expired, somebody
// else's, of another algorithm than `alg` says, an authority that is not ours, or a signature that is wrong.
[[nodiscard]] Result<Verified> verify(const http::Request& request, const Presented& presented, const Key* key,
                                      std::string_view user, const Rules& rules, Instant now);

}  // namespace tenon::signature
