#include "safeguards/hmac_sha256.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <stdexcept>

namespace tenon::safeguards {
namespace {

const unsigned char* as_bytes(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

void HmacSha256Key::Free::operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }

HmacSha256Key::HmacSha256Key(std::string_view secret) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr), &EVP_MAC_free);
  if (mac == nullptr) throw std::runtime_error("OpenSSL offers no HMAC");
  keyed_.reset(EVP_MAC_CTX_new(mac.get()));
  std::array<char, 7> digest{"SHA256"};
  const std::array parameters{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
                              OSSL_PARAM_construct_end()};
  if (keyed_ == nullptr || EVP_MAC_init(keyed_.get(), as_bytes(secret), secret.size(), parameters.data()) != 1) {
    throw std::runtime_error("OpenSSL refused an HMAC-SHA-256 key");
  }
}

Digest HmacSha256Key::operator()(std::string_view message) const {
  const Context copy(EVP_MAC_CTX_dup(keyed_.get()));
  Digest digest{};
  std::size_t size = 0;
  if (copy == nullptr || EVP_MAC_update(copy.get(), as_bytes(message), message.size()) != 1 ||
      EVP_MAC_final(copy.get(), digest.data(), &size, digest.size()) != 1 || size != digest.size()) {
    throw std::runtime_error("OpenSSL failed to compute an HMAC");
  }
  return digest;
}

}  // namespace tenon::safeguards
