// Public keys, and signatures under them (OpenSSL 3). What a signature means is its reader's business.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace tenon::safeguards {

// RSA of 2048 to 8192 bits with an odd exponent from 65537 to 2^64, a point on P-256, or an Ed25519 key of full order.
// Shared, immutable, safe from any thread.
class PublicKey {
 public:
  enum class Kind : std::uint8_t { rsa, p256, ed25519 };
  using Made = std::expected<PublicKey, std::string>;  // or one sentence that says why not

  // One "PUBLIC KEY" block (SubjectPublicKeyInfo) and nothing else but white space and comments before it. A private
  // key or a certificate is refused with the openssl line that makes a public key of it.
  [[nodiscard]] static Made from_pem(std::string_view pem);
  // Big-endian bytes, as a JWK has them (RFC 7518 section 6, RFC 8037): x and y of exactly 32 bytes.
  [[nodiscard]] static Made from_rsa(std::string_view modulus, std::string_view exponent);
  [[nodiscard]] static Made from_p256(std::string_view x, std::string_view y);
  [[nodiscard]] static Made from_ed25519(std::string_view x);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] EVP_PKEY* native() const noexcept { return key_.get(); }

 private:
  PublicKey(std::shared_ptr<EVP_PKEY> key, Kind kind) noexcept : key_(std::move(key)), kind_(kind) {}
  [[nodiscard]] static Made checked(std::shared_ptr<EVP_PKEY> key);
  std::shared_ptr<EVP_PKEY> key_;
  Kind kind_;
};

enum class SignatureScheme : std::uint8_t {
  rsa_v1_5_sha256,  // RS256
  rsa_pss_sha256,   // PS256: salt as long as the digest, MGF1 of the same digest
  rsa_pss_sha512,
  p256_sha256,  // ES256: r and s, 32 bytes each
  ed25519,
};

// One key under one scheme, set up once: verifying parses nothing.
class SignatureVerifier {
 public:
  // std::invalid_argument when the key is of another kind than the scheme.
  SignatureVerifier(PublicKey key, SignatureScheme scheme);

  // From any thread; OpenSSL's error queue is left as it was. Only the one encoding that the scheme's RFC defines is a
  // signature: as long as the modulus, or 64 bytes (r and s; never DER).
  [[nodiscard]] bool operator()(std::string_view text, std::string_view signature) const;

 private:
  struct Free {
    void operator()(EVP_PKEY_CTX* context) const noexcept;
    void operator()(EVP_MD_CTX* context) const noexcept;
  };
  PublicKey key_;
  SignatureScheme scheme_;
  std::size_t signature_bytes_;
  const EVP_MD* digest_ = nullptr;
  // Never used itself: each verification goes through a copy. One of the two, by scheme.
  std::unique_ptr<EVP_PKEY_CTX, Free> of_digest_;
  std::unique_ptr<EVP_MD_CTX, Free> of_text_;
};

}  // namespace tenon::safeguards
