#include "support/signing_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <stdexcept>

#include "base/bytes.hpp"

namespace tenon::test {
namespace {

using safeguards::TokenAlgorithm;

EVP_PKEY* generated(TokenAlgorithm algorithm, unsigned bits) {
  if (algorithm == TokenAlgorithm::es256) return EVP_EC_gen("P-256");
  if (algorithm == TokenAlgorithm::eddsa) return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  return EVP_RSA_gen(bits);
}

const unsigned char* as_bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string number(EVP_PKEY* key, const char* name, int bytes = 0) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &value) != 1) throw std::runtime_error(std::string("no ") + name);
  std::string out(static_cast<std::size_t>(bytes != 0 ? bytes : BN_num_bytes(value)), '\0');
  BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
  BN_free(value);
  return base64url(out);
}

template <class Write>
std::string written(Write write) {
  BIO* out = BIO_new(BIO_s_mem());
  write(out);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  BIO_free(out);
  return text;
}

}  // namespace

SigningKey::SigningKey(TokenAlgorithm algorithm, unsigned bits)
    : algorithm_(algorithm), key_(generated(algorithm, bits), EVP_PKEY_free) {
  if (key_ == nullptr) throw std::runtime_error("no key could be made");
}

std::string SigningKey::der(std::string_view text) const { return sign(text, -1); }

std::string SigningKey::sign(std::string_view text, int salt_bytes) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_PKEY_CTX* parameters = nullptr;
  const EVP_MD* digest = algorithm_ == TokenAlgorithm::eddsa ? nullptr : EVP_sha256();
  bool fine = EVP_DigestSignInit(context.get(), &parameters, digest, nullptr, key_.get()) == 1;
  if (algorithm_ == TokenAlgorithm::ps256) {
    fine = fine && EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt_bytes) == 1;
  }
  std::string signature(1100, '\0');
  std::size_t size = signature.size();
  fine = fine && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                                as_bytes(text), text.size()) == 1;
  if (!fine) throw std::runtime_error("signing failed");
  signature.resize(size);
  if (algorithm_ != TokenAlgorithm::es256 || salt_bytes < 0) return signature;
  const unsigned char* at = as_bytes(signature);
  ECDSA_SIG* numbers = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size));
  std::string raw(64, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(numbers), out, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(numbers), out + 32, 32);
  ECDSA_SIG_free(numbers);
  return raw;
}

std::string SigningKey::token(std::string_view header, std::string_view claims) const {
  const std::string text = base64url(header) + "." + base64url(claims);
  return text + "." + base64url(sign(text));
}

std::string SigningKey::token_of(std::string_view claims, std::string_view id) const {
  std::string header = R"({"alg":")" + std::string(name_of(algorithm_)) + '"';
  if (!id.empty()) header += R"(,"kid":")" + std::string(id) + '"';
  return token(header + "}", claims);
}

std::string SigningKey::public_pem() const {
  return written([this](BIO* out) { PEM_write_bio_PUBKEY(out, key_.get()); });
}

std::string SigningKey::private_pem() const {
  return written(
      [this](BIO* out) { PEM_write_bio_PKCS8PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

std::string SigningKey::jwk(std::string_view further) const {
  std::string members;
  if (algorithm_ == TokenAlgorithm::es256) {
    members = R"("kty":"EC","crv":"P-256","x":")" + number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32) + R"(","y":")" +
              number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32) + '"';
  } else if (algorithm_ == TokenAlgorithm::eddsa) {
    std::string x(32, '\0');
    std::size_t size = x.size();
    EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(x.data()), &size);
    members = R"("kty":"OKP","crv":"Ed25519","x":")" + base64url(x) + '"';
  } else {
    members = R"("kty":"RSA","n":")" + number(key_.get(), OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" +
              number(key_.get(), OSSL_PKEY_PARAM_RSA_E) + '"';
  }
  return "{" + members + std::string(further) + "}";
}

unsigned long first_queued_error() { return ERR_get_error(); }

}  // namespace tenon::test
