#include "safeguards/signature/key.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <optional>
#include <stdexcept>

#include "base/bytes.hpp"
#include "safeguards/hmac_sha256.hpp"
#include "safeguards/public_key.hpp"

namespace tenon::signature {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;

constexpr std::size_t p256_scalar_bytes = 32;
constexpr int pss_salt_bytes = 64;  // RFC 9421 section 3.3.1

[[noreturn]] void fail(const char* what) { throw std::runtime_error(std::string("OpenSSL failed to ") + what); }

const unsigned char* as_bytes(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* as_bytes(std::string& text) noexcept { return reinterpret_cast<unsigned char*>(text.data()); }

constexpr const char* digest_name(Algorithm algorithm) noexcept {
  switch (algorithm) {
    case Algorithm::ed25519:
      return nullptr;
    case Algorithm::rsa_pss_sha512:
      return "SHA512";
    default:
      return "SHA256";
  }
}

safeguards::PublicKey::Kind kind_of(Algorithm algorithm) noexcept {
  using enum safeguards::PublicKey::Kind;
  if (algorithm == Algorithm::ed25519) return ed25519;
  return algorithm == Algorithm::ecdsa_p256_sha256 ? p256 : rsa;
}

safeguards::SignatureScheme scheme_of(Algorithm algorithm) noexcept {
  using enum safeguards::SignatureScheme;
  switch (algorithm) {
    case Algorithm::ed25519:
      return ed25519;
    case Algorithm::ecdsa_p256_sha256:
      return p256_sha256;
    case Algorithm::rsa_pss_sha512:
      return rsa_pss_sha512;
    default:
      return rsa_v1_5_sha256;
  }
}

// Nothing when the private key is one that the algorithm takes.
std::optional<std::string> trouble_with(Algorithm algorithm, const EVP_PKEY* key) {
  const auto rsa_size = [key]() -> std::optional<std::string> {
    const int bits = EVP_PKEY_get_bits(key);
    if (bits >= rsa_bits_min && bits <= rsa_bits_max) return std::nullopt;
    return "an RSA key of " + std::to_string(rsa_bits_min) + " to " + std::to_string(rsa_bits_max) +
           " bits is wanted, and this one has " + std::to_string(bits);
  };
  switch (algorithm) {
    case Algorithm::hmac_sha256:
      break;
    case Algorithm::ed25519:
      if (EVP_PKEY_is_a(key, "ED25519") == 1) return std::nullopt;
      return "this is no Ed25519 key";
    case Algorithm::ecdsa_p256_sha256: {
      std::array<char, 64> group{};
      if (EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1 &&
          std::string_view(group.data()) == "prime256v1") {
        return std::nullopt;
      }
      return "this is no P-256 key";
    }
    case Algorithm::rsa_pss_sha512:
      if (EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1) return rsa_size();
      return "this is no RSA key";
    case Algorithm::rsa_v1_5_sha256:
      if (EVP_PKEY_is_a(key, "RSA") == 1) return rsa_size();
      return "this is no RSA key";
  }
  return "this algorithm takes a secret";
}

std::optional<std::string> trouble_with_secret(std::string_view secret) {
  if (secret.size() >= shared_secret_bytes_min && secret.size() <= shared_secret_bytes_max) return std::nullopt;
  return "a shared secret has " + std::to_string(shared_secret_bytes_min) + " to " +
         std::to_string(shared_secret_bytes_max) + " bytes";
}

void set_padding(EVP_PKEY_CTX* context, Algorithm algorithm) {
  if (algorithm == Algorithm::rsa_pss_sha512) {
    if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_pss_saltlen(context, pss_salt_bytes) != 1) {
      fail("set up RSASSA-PSS");
    }
  } else if (algorithm == Algorithm::rsa_v1_5_sha256) {
    if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) != 1) fail("set up RSASSA-PKCS1-v1_5");
  }
}

// OpenSSL writes DER; RFC 9421 section 3.3.4 carries r and s, 32 bytes each.
std::string raw_of(std::string_view der) {
  const unsigned char* in = as_bytes(der);
  const EcdsaSignature parts(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
  std::string raw(2 * p256_scalar_bytes, '\0');
  if (parts == nullptr || BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), as_bytes(raw), p256_scalar_bytes) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), as_bytes(raw) + p256_scalar_bytes, p256_scalar_bytes) < 0) {
    fail("write an ECDSA signature");
  }
  return raw;
}

Bio readable(std::string_view text) {
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (bio == nullptr) fail("allocate");
  return bio;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

// What OpenSSL says of a refusal stays in a queue of the thread, where Asio's TLS would take it for its own.
class CleanQueue {
 public:
  CleanQueue() = default;
  CleanQueue(const CleanQueue&) = delete;
  CleanQueue& operator=(const CleanQueue&) = delete;
  ~CleanQueue() { ERR_clear_error(); }
};

// Never asks anybody for a pass phrase.
int no_pass_phrase(char*, int, int, void*) { return -1; }

}  // namespace

struct VerifyingKey::Impl {
  Algorithm algorithm;
  std::optional<safeguards::HmacSha256Key> mac;
  std::optional<safeguards::SignatureVerifier> verifier;
};

KeyResult<VerifyingKey> VerifyingKey::load(Algorithm algorithm, std::string_view material) {
  auto impl = std::make_shared<Impl>();
  impl->algorithm = algorithm;
  if (algorithm == Algorithm::hmac_sha256) {
    if (auto trouble = trouble_with_secret(material)) return std::unexpected(*std::move(trouble));
    impl->mac.emplace(material);
    return VerifyingKey(std::move(impl));
  }
  if (material.size() > key_pem_bytes_max) return std::unexpected("a key this long is not read");
  auto key = safeguards::PublicKey::from_pem(material);
  if (!key) return std::unexpected(std::move(key).error());
  if (key->kind() != kind_of(algorithm)) return std::unexpected("this is no key of " + std::string(name_of(algorithm)));
  impl->verifier.emplace(*std::move(key), scheme_of(algorithm));
  return VerifyingKey(std::move(impl));
}

bool VerifyingKey::verify(std::string_view message, std::string_view signature) const {
  if (impl_->mac) return equal_in_constant_time(as_text((*impl_->mac)(message)), signature);
  return (*impl_->verifier)(message, signature);
}

Algorithm VerifyingKey::algorithm() const noexcept { return impl_->algorithm; }

struct SigningKey::Impl {
  Algorithm algorithm;
  std::optional<safeguards::HmacSha256Key> mac;
  Pkey key;
};

KeyResult<SigningKey> SigningKey::load(Algorithm algorithm, std::string_view material) {
  const CleanQueue clean;
  auto impl = std::make_shared<Impl>();
  impl->algorithm = algorithm;
  if (algorithm == Algorithm::hmac_sha256) {
    if (auto trouble = trouble_with_secret(material)) return std::unexpected(*std::move(trouble));
    impl->mac.emplace(material);
    return SigningKey(std::move(impl));
  }
  if (material.size() > 4 * key_pem_bytes_max) return std::unexpected("a key this long is not read");
  impl->key.reset(PEM_read_bio_PrivateKey(readable(material).get(), nullptr, no_pass_phrase, nullptr));
  if (impl->key == nullptr) return std::unexpected("this is no unencrypted PEM private key");
  if (auto trouble = trouble_with(algorithm, impl->key.get())) return std::unexpected(*std::move(trouble));
  return SigningKey(std::move(impl));
}

std::string SigningKey::sign(std::string_view message) const {
  if (impl_->mac) return std::string(as_text((*impl_->mac)(message)));
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* padding = nullptr;
  if (context == nullptr || EVP_DigestSignInit_ex(context.get(), &padding, digest_name(impl_->algorithm), nullptr,
                                                  nullptr, impl_->key.get(), nullptr) != 1) {
    fail("set up a signature");
  }
  set_padding(padding, impl_->algorithm);
  std::size_t size = 0;
  if (EVP_DigestSign(context.get(), nullptr, &size, as_bytes(message), message.size()) != 1) fail("sign");
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), as_bytes(signature), &size, as_bytes(message), message.size()) != 1) fail("sign");
  signature.resize(size);
  return impl_->algorithm == Algorithm::ecdsa_p256_sha256 ? raw_of(signature) : signature;
}

Algorithm SigningKey::algorithm() const noexcept { return impl_->algorithm; }

KeyPair generate(Algorithm algorithm) {
  if (algorithm == Algorithm::hmac_sha256) {
    std::array<std::uint8_t, shared_secret_bytes_min> secret{};
    fill_random(secret);
    return {std::string(as_text(secret)), std::string(as_text(secret))};
  }
  constexpr std::size_t rsa_bits = 3072;
  Pkey key;
  if (algorithm == Algorithm::ed25519) {
    key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  } else if (algorithm == Algorithm::ecdsa_p256_sha256) {
    key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  } else {
    key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", rsa_bits));
  }
  const Bio private_half(BIO_new(BIO_s_mem()));
  const Bio public_half(BIO_new(BIO_s_mem()));
  if (key == nullptr || private_half == nullptr || public_half == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(private_half.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_PUBKEY(public_half.get(), key.get()) != 1) {
    fail("make a key");
  }
  return {text_of(private_half.get()), text_of(public_half.get())};
}

}  // namespace tenon::signature
