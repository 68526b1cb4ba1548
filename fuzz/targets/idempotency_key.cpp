// The Idempotency-Key header: both spellings mean one key.
#include "safeguards/idempotency/key.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "encoding/structured_field.hpp"
#include "fuzz/target.hpp"

namespace tenon::fuzz {

void idempotency_key(std::string_view input);
void idempotency_key(std::string_view input) {
  const auto key = safeguards::parse_idempotency_key(input);
  if (!key) {
    check(key.error().code == ProblemCode::idempotency_key_malformed, "a refusal has its name");
    return;
  }
  check(!key->empty() && key->size() <= limits::idempotency_key_bytes_max, "a key has 1 to 255 bytes");
  check(std::ranges::all_of(*key, [](char c) { return c >= ' ' && c < '\x7f'; }), "a key is visible ASCII");
  const auto quoted = structured::serialize(structured::Item{.value = *key, .parameters = {}});
  check(quoted.has_value(), "a key is a String of RFC 9651");
  const auto again = safeguards::parse_idempotency_key(*quoted);
  check(again.has_value() && *again == *key, "quoted, it is the same key");
  check(safeguards::claim_of("s", "u", *key) == safeguards::claim_of("s", "u", *again), "one key, one claim");
  check(safeguards::claim_of("s", "u", *key) != safeguards::claim_of("su", "", *key), "the parts are kept apart");
}

}  // namespace tenon::fuzz
