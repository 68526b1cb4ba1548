// HMAC-SHA-256 (RFC 2104) under one key, its key schedule computed once.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string_view>

#include "base/bytes.hpp"

namespace tenon::safeguards {

class HmacSha256Key {
 public:
  // Throws std::runtime_error when OpenSSL has no HMAC or no memory.
  explicit HmacSha256Key(std::string_view secret);

  // From any thread. Throws std::runtime_error when OpenSSL fails: an answer that is no MAC must not look like one.
  [[nodiscard]] Digest operator()(std::string_view message) const;

 private:
  struct Free {
    void operator()(EVP_MAC_CTX* context) const noexcept;
  };
  using Context = std::unique_ptr<EVP_MAC_CTX, Free>;
  Context keyed_;  // never updated: each message goes through a copy
};

}  // namespace tenon::safeguards
