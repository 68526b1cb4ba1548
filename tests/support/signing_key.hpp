// A private key that signs tokens as an issuer would, and the public half in the forms that issuers publish.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "safeguards/token_key.hpp"

namespace tenon::test {

class SigningKey {
 public:
  // Fresh. `bits`: of RSA.
  explicit SigningKey(safeguards::TokenAlgorithm algorithm, unsigned bits = 2048);

  // As JWS wants it: ES256 as r and s, PS256 with a salt of `salt_bytes`.
  [[nodiscard]] std::string sign(std::string_view text, int salt_bytes = 32) const;
  [[nodiscard]] std::string der(std::string_view text) const;  // ES256 as OpenSSL makes it
  // header "." claims "." signature; both given as JSON.
  [[nodiscard]] std::string token(std::string_view header, std::string_view claims) const;
  // With the header {"alg":…,"kid":…}; no kid when `id` is empty.
  [[nodiscard]] std::string token_of(std::string_view claims, std::string_view id = {}) const;

  [[nodiscard]] std::string public_pem() const;
  [[nodiscard]] std::string private_pem() const;
  // A JWK: {"kty":…,…} with the further members, each with its comma: `,"kid":"a"`.
  [[nodiscard]] std::string jwk(std::string_view further = {}) const;
  [[nodiscard]] safeguards::TokenAlgorithm algorithm() const noexcept { return algorithm_; }

 private:
  safeguards::TokenAlgorithm algorithm_;
  std::shared_ptr<EVP_PKEY> key_;
};

// The thread's oldest error that OpenSSL has noted, 0 for none; forgets it.
[[nodiscard]] unsigned long first_queued_error();

}  // namespace tenon::test
