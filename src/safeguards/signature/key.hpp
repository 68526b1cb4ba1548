// Keys that verify and make signatures: values over OpenSSL 3, fixed to one algorithm.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "safeguards/signature/algorithm.hpp"

namespace tenon::signature {

// What is wrong with key material, in words for the person who supplied it. It repeats nothing of the material.
template <class T>
using KeyResult = std::expected<T, std::string>;

inline constexpr std::size_t shared_secret_bytes_min = 32;
inline constexpr std::size_t shared_secret_bytes_max = 512;
inline constexpr int rsa_bits_min = 2048;
inline constexpr int rsa_bits_max = 8192;  // verifying costs the square of it
inline constexpr std::size_t key_pem_bytes_max = 4096;

// Copies share the key. From any thread.
class VerifyingKey {
 public:
  // `material`: a PEM public key (SubjectPublicKeyInfo) of just the kind that the algorithm wants: Ed25519, P-256, or
  // RSA of rsa_bits_min to rsa_bits_max; for hmac-sha256 the secret's bytes.
  [[nodiscard]] static KeyResult<VerifyingKey> load(Algorithm algorithm, std::string_view material);

  // `signature` as RFC 9421 carries it: of ECDSA the 64 bytes of r and s, never DER. A MAC is compared in constant
  // time. Throws std::runtime_error when OpenSSL has no memory.
  [[nodiscard]] bool verify(std::string_view message, std::string_view signature) const;

  [[nodiscard]] Algorithm algorithm() const noexcept;

 private:
  struct Impl;
  explicit VerifyingKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// Copies share the key. From any thread.
class SigningKey {
 public:
  // `material`: a PEM private key, unencrypted; for hmac-sha256 the secret's bytes. The same kinds as for verifying.
  [[nodiscard]] static KeyResult<SigningKey> load(Algorithm algorithm, std::string_view material);

  // Throws std::runtime_error when OpenSSL fails.
  [[nodiscard]] std::string sign(std::string_view message) const;

  [[nodiscard]] Algorithm algorithm() const noexcept;

 private:
  struct Impl;
  explicit SigningKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// A fresh key: PEM of both halves; for hmac-sha256 both are the same random secret. RSA has 3072 bits.
struct KeyPair {
  std::string private_half;
  std::string public_half;
};
[[nodiscard]] KeyPair generate(Algorithm algorithm);

}  // namespace tenon::signature
