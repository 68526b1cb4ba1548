// The database's answer to one command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/problem.hpp"

namespace tenon::writes {

struct Reply {
  enum class Origin : std::uint8_t {
    fresh,     // ran now; its answer is stored under the key
    replayed,  // ran before under this key; the stored answer
    reused,    // the key is stored with another fingerprint; nothing else is told
  };
  Origin origin = Origin::fresh;
  std::uint16_t status = 200;
  std::optional<ProblemCode> problem = {};  // a refusal; `body` then holds its members as a JSON object
  std::string body = {};
  std::optional<std::int64_t> version = {};  // ETag
  std::optional<Instant> modified = {};      // Last-Modified
  std::string location = {};
  std::optional<Instant> expires = {};  // until when the key is known, by the database's clock
  // Until when this node may repeat a stored answer without asking: the same lifetime, counted on the node's own steady
  // clock from before the database was asked, so that it ends no later than there.
  std::optional<Monotonic> known_until = {};
  std::optional<std::int64_t> audit_id = {};
};

// A signature whose nonce was used before, or whose key or window is found wrong in the transaction.
[[nodiscard]] inline bool is_signature_refused(const Reply& reply) noexcept { return reply.status == 401; }

// Refusals that say who may do a thing (401, 403) or that a body breaks a rule only the database knows (422) are
// decided in the transaction and yet not kept under the key: nothing ran, and the same key may try again.
[[nodiscard]] inline bool is_stored(const Reply& reply) noexcept {
  return reply.status != 401 && reply.status != 403 && reply.status != 422;
}

}  // namespace tenon::writes
