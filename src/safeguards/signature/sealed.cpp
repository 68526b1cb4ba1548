#include "safeguards/signature/sealed.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>
#include <span>
#include <stdexcept>

#include "safeguards/hmac_sha256.hpp"

namespace tenon::signature {
namespace {

constexpr std::string_view version = "v1.";
constexpr std::size_t iv_bytes = 12;
constexpr std::size_t tag_bytes = 16;

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;

const unsigned char* as_bytes(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* as_bytes(std::string& text) noexcept { return reinterpret_cast<unsigned char*>(text.data()); }

Context fresh() {
  Context context(EVP_CIPHER_CTX_new());
  if (context == nullptr) throw std::runtime_error("OpenSSL has no memory");
  return context;
}

}  // namespace

SecretSealer::SecretSealer(std::string_view node_secret)
    : key_(safeguards::HmacSha256Key(node_secret)("tenon: sealing of signing secrets, v1")) {}

std::string SecretSealer::seal(std::string_view secret, std::string_view context) const {
  std::string iv(iv_bytes, '\0');
  fill_random(std::span(as_bytes(iv), iv.size()));
  std::string cipher(secret.size(), '\0');
  std::string tag(tag_bytes, '\0');
  const Context gcm = fresh();
  int size = 0;
  if (EVP_EncryptInit_ex(gcm.get(), EVP_aes_256_gcm(), nullptr, key_.data(), as_bytes(iv)) != 1 ||
      EVP_EncryptUpdate(gcm.get(), nullptr, &size, as_bytes(context), static_cast<int>(context.size())) != 1 ||
      EVP_EncryptUpdate(gcm.get(), as_bytes(cipher), &size, as_bytes(secret), static_cast<int>(secret.size())) != 1 ||
      EVP_EncryptFinal_ex(gcm.get(), nullptr, &size) != 1 ||
      EVP_CIPHER_CTX_ctrl(gcm.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, tag.data()) != 1) {
    throw std::runtime_error("OpenSSL failed to seal a secret");
  }
  return std::string(version) + base64url(iv + cipher + tag);
}

std::optional<std::string> SecretSealer::open(std::string_view sealed, std::string_view context) const {
  if (!sealed.starts_with(version)) return std::nullopt;
  const auto bytes = base64url_decode(sealed.substr(version.size()));
  if (!bytes || bytes->size() <= iv_bytes + tag_bytes) return std::nullopt;
  std::string tag = bytes->substr(bytes->size() - tag_bytes);
  const std::string cipher = bytes->substr(iv_bytes, bytes->size() - iv_bytes - tag_bytes);
  std::string secret(cipher.size(), '\0');
  const Context gcm = fresh();
  int size = 0;
  const bool opened =
      EVP_DecryptInit_ex(gcm.get(), EVP_aes_256_gcm(), nullptr, key_.data(), as_bytes(*bytes)) == 1 &&
      EVP_DecryptUpdate(gcm.get(), nullptr, &size, as_bytes(context), static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(gcm.get(), as_bytes(secret), &size, as_bytes(cipher), static_cast<int>(cipher.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(gcm.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(gcm.get(), nullptr, &size) == 1;
  if (opened) return secret;
  ERR_clear_error();
  return std::nullopt;
}

}  // namespace tenon::signature
