// Shared secrets (hmac-sha256) as the database keeps them: readable by nodes, which have a key for it, and by nobody
// who has only the database or a copy of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace tenon::signature {

// AES-256-GCM. Thread-safe.
class SecretSealer {
 public:
  // `node_secret`: what the nodes of one service share; the sealing key is derived from it. Another one opens nothing
  // that was sealed under this.
  explicit SecretSealer(std::string_view node_secret);

  // "v1." and base64url. `context` (whose secret it is) must be the same when it is opened: what was sealed for one key
  // cannot be put under another. Throws std::runtime_error when OpenSSL fails.
  [[nodiscard]] std::string seal(std::string_view secret, std::string_view context) const;
  // Nothing when it was not sealed here, or not for this context, or has been changed.
  [[nodiscard]] std::optional<std::string> open(std::string_view sealed, std::string_view context) const;

 private:
  Digest key_;
};

}  // namespace tenon::signature
