#include "safeguards/public_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace tenon::safeguards {
namespace {

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* object) const noexcept { Free(object); }
};
template <class T, void (*Free)(T*)>
using Owned = std::unique_ptr<T, Freed<T, Free>>;
using Number = Owned<BIGNUM, BN_free>;
using KeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using MadeKey = std::shared_ptr<EVP_PKEY>;

constexpr int rsa_bits_min = 2048;
constexpr int rsa_bits_max = 8192;  // what a verification may cost
constexpr std::size_t p256_bytes = 32;

// What fails in here must leave nothing in the thread's error queue: the next TLS operation would take it for its own.
class ErrorsForgotten {
 public:
  ErrorsForgotten() { ERR_set_mark(); }
  ~ErrorsForgotten() { ERR_pop_to_mark(); }
  ErrorsForgotten(const ErrorsForgotten&) = delete;
  ErrorsForgotten& operator=(const ErrorsForgotten&) = delete;
};

const unsigned char* as_bytes(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Number number_of(std::string_view bytes) {
  return Number(BN_bin2bn(as_bytes(bytes), static_cast<int>(bytes.size()), nullptr));
}

MadeKey key_of_parameters(const char* type, OSSL_PARAM_BLD* builder) {
  const Owned<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return {key, EVP_PKEY_free};
}

std::string trouble_of_rsa(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < rsa_bits_min) return "an RSA key of " + std::to_string(bits) + " bits is too weak: 2048 is the least";
  if (bits > rsa_bits_max) return "an RSA key of " + std::to_string(bits) + " bits: 8192 is the most";
  BIGNUM* raw = nullptr;
  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &raw);
  const Number exponent(raw);
  raw = nullptr;
  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &raw);
  const Number modulus(raw);
  if (exponent == nullptr || modulus == nullptr || BN_is_odd(exponent.get()) == 0 || BN_num_bits(exponent.get()) < 17 ||
      BN_num_bits(exponent.get()) > 64) {
    return "the RSA key's exponent is not an odd number from 65537 to 2^64";
  }
  return BN_is_odd(modulus.get()) != 0 ? "" : "the RSA key's modulus is even";
}

std::string trouble_of_ec(EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t bytes = 0;
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &bytes) != 1 ||
      std::string_view(group.data(), bytes) != "prime256v1") {
    return "the EC key is not on the curve P-256";
  }
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (context == nullptr || EVP_PKEY_public_check(context.get()) != 1) return "the EC key is no point on P-256";
  return "";
}

// Under a key of small order one signature fits many texts. These are all encodings of such points: those of order 1,
// 2, 4 and 8 and their non-canonical twins, the sign bit aside (RFC 7748 section 6 and the list every careful verifier
// has).
std::string trouble_of_ed25519(EVP_PKEY* key) {
  std::array<unsigned char, 32> y{};
  std::size_t bytes = y.size();
  if (EVP_PKEY_get_raw_public_key(key, y.data(), &bytes) != 1 || bytes != y.size()) return "not an Ed25519 key";
  y[31] &= 0x7f;
  static constexpr std::array<std::array<unsigned char, 32>, 2> of_order_8{{
      {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
       0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
      {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
       0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
  }};
  const bool middle_zero = std::all_of(y.begin() + 1, y.end(), [](unsigned char b) { return b == 0; });
  const bool middle_ones =
      std::all_of(y.begin() + 1, y.end() - 1, [](unsigned char b) { return b == 0xff; }) && y[31] == 0x7f;
  // y = 0 or 1; y = p - 1, p or p + 1 where p = 2^255 - 19.
  const bool small = (middle_zero && y[0] <= 1) || (middle_ones && y[0] >= 0xec && y[0] <= 0xee) ||
                     std::ranges::find(of_order_8, y) != of_order_8.end();
  return small ? "the Ed25519 key is a point of small order" : "";
}

// DER of r and s as ECDSA-Sig-Value, into `out`; its size.
std::size_t der_signature(std::string_view raw, std::array<unsigned char, 72>& out) {
  std::size_t at = 2;
  for (std::string_view number : {raw.substr(0, p256_bytes), raw.substr(p256_bytes)}) {
    while (number.size() > 1 && number.front() == 0) number.remove_prefix(1);
    const bool negative = (number.front() & 0x80) != 0;
    out[at++] = 0x02;
    out[at++] = static_cast<unsigned char>(number.size() + (negative ? 1 : 0));
    if (negative) out[at++] = 0;
    for (const char c : number) out[at++] = static_cast<unsigned char>(c);
  }
  out[0] = 0x30;
  out[1] = static_cast<unsigned char>(at - 2);
  return at;
}

PublicKey::Kind kind_for(SignatureScheme scheme) {
  if (scheme == SignatureScheme::ed25519) return PublicKey::Kind::ed25519;
  return scheme == SignatureScheme::p256_sha256 ? PublicKey::Kind::p256 : PublicKey::Kind::rsa;
}

}  // namespace

PublicKey::Made PublicKey::checked(MadeKey key) {
  if (key == nullptr) return std::unexpected("the numbers are not a public key");
  std::string trouble;
  Kind kind = Kind::rsa;
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    trouble = trouble_of_rsa(key.get());
  } else if (EVP_PKEY_is_a(key.get(), "EC") == 1) {
    kind = Kind::p256;
    trouble = trouble_of_ec(key.get());
  } else if (EVP_PKEY_is_a(key.get(), "ED25519") == 1) {
    kind = Kind::ed25519;
    trouble = trouble_of_ed25519(key.get());
  } else {
    trouble = "the key is neither RSA, nor EC on P-256, nor Ed25519";
  }
  if (!trouble.empty()) return std::unexpected(trouble);
  return PublicKey(std::move(key), kind);
}

PublicKey::Made PublicKey::from_pem(std::string_view pem) {
  const ErrorsForgotten forgotten;
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return std::unexpected("a private key: whoever reads it can sign. Make a public one: openssl pkey -in IT -pubout");
  }
  if (pem.find("CERTIFICATE-----") != std::string_view::npos) {
    return std::unexpected("a certificate: make a public key of it: openssl x509 -in IT -noout -pubkey");
  }
  const std::size_t begin = pem.find("-----BEGIN ");
  if (begin == std::string_view::npos) return std::unexpected("no PEM block \"PUBLIC KEY\"");
  if (pem.find("-----BEGIN ", begin + 1) != std::string_view::npos) return std::unexpected("more than one PEM block");
  const Owned<BIO, BIO_free_all> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  EVP_PKEY* key = in == nullptr ? nullptr : PEM_read_bio_PUBKEY(in.get(), nullptr, nullptr, nullptr);
  if (key == nullptr) return std::unexpected("not a PEM block \"PUBLIC KEY\" that can be read");
  return checked({key, EVP_PKEY_free});
}

PublicKey::Made PublicKey::from_rsa(std::string_view modulus, std::string_view exponent) {
  const ErrorsForgotten forgotten;
  if (modulus.empty() || modulus.size() > rsa_bits_max / 8 || exponent.empty() || exponent.size() > 8) {
    return std::unexpected("an RSA key has a modulus of 2048 to 8192 bits and an exponent of at most 64");
  }
  const Number n = number_of(modulus);
  const Number e = number_of(exponent);
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  if (n == nullptr || e == nullptr || builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return std::unexpected("the numbers are not a public key");
  }
  return checked(key_of_parameters("RSA", builder.get()));
}

PublicKey::Made PublicKey::from_p256(std::string_view x, std::string_view y) {
  const ErrorsForgotten forgotten;
  if (x.size() != p256_bytes || y.size() != p256_bytes) return std::unexpected("x and y of P-256 have 32 bytes each");
  std::string point = "\x04";
  point.append(x).append(y);
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return std::unexpected("the numbers are not a public key");
  }
  return checked(key_of_parameters("EC", builder.get()));
}

PublicKey::Made PublicKey::from_ed25519(std::string_view x) {
  const ErrorsForgotten forgotten;
  if (x.size() != 32) return std::unexpected("x of Ed25519 has 32 bytes");
  return checked({EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, as_bytes(x), x.size()), EVP_PKEY_free});
}

void SignatureVerifier::Free::operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
void SignatureVerifier::Free::operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }

SignatureVerifier::SignatureVerifier(PublicKey key, SignatureScheme scheme)
    : key_(std::move(key)), scheme_(scheme), signature_bytes_(2 * p256_bytes) {
  if (key_.kind() != kind_for(scheme)) throw std::invalid_argument("a key of another kind than its algorithm");
  const ErrorsForgotten forgotten;
  const auto require = [](bool done) {
    if (!done) throw std::runtime_error("OpenSSL cannot verify signatures of a kind it should know");
  };
  if (scheme == SignatureScheme::ed25519) {
    of_text_.reset(EVP_MD_CTX_new());
    require(of_text_ != nullptr && EVP_DigestVerifyInit(of_text_.get(), nullptr, nullptr, nullptr, key_.native()) == 1);
    return;
  }
  digest_ = scheme == SignatureScheme::rsa_pss_sha512 ? EVP_sha512() : EVP_sha256();
  of_digest_.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.native(), nullptr));
  require(of_digest_ != nullptr && EVP_PKEY_verify_init(of_digest_.get()) == 1);
  if (kind_for(scheme) != PublicKey::Kind::rsa) return;
  signature_bytes_ = static_cast<std::size_t>(EVP_PKEY_get_size(key_.native()));
  const int padding = scheme == SignatureScheme::rsa_v1_5_sha256 ? RSA_PKCS1_PADDING : RSA_PKCS1_PSS_PADDING;
  require(EVP_PKEY_CTX_set_rsa_padding(of_digest_.get(), padding) == 1 &&
          EVP_PKEY_CTX_set_signature_md(of_digest_.get(), digest_) == 1);
  if (padding == RSA_PKCS1_PADDING) return;
  require(EVP_PKEY_CTX_set_rsa_mgf1_md(of_digest_.get(), digest_) == 1 &&
          EVP_PKEY_CTX_set_rsa_pss_saltlen(of_digest_.get(), RSA_PSS_SALTLEN_DIGEST) == 1);
}

bool SignatureVerifier::operator()(std::string_view text, std::string_view signature) const {
  if (signature.size() != signature_bytes_) return false;
  const ErrorsForgotten forgotten;
  if (of_text_ != nullptr) {
    const std::unique_ptr<EVP_MD_CTX, Free> copy(EVP_MD_CTX_new());
    return copy != nullptr && EVP_MD_CTX_copy_ex(copy.get(), of_text_.get()) == 1 &&
           EVP_DigestVerify(copy.get(), as_bytes(signature), signature.size(), as_bytes(text), text.size()) == 1;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned hash_bytes = 0;
  if (EVP_Digest(text.data(), text.size(), hash.data(), &hash_bytes, digest_, nullptr) != 1) return false;
  const std::unique_ptr<EVP_PKEY_CTX, Free> copy(EVP_PKEY_CTX_dup(of_digest_.get()));
  if (copy == nullptr) return false;
  if (scheme_ != SignatureScheme::p256_sha256) {
    return EVP_PKEY_verify(copy.get(), as_bytes(signature), signature.size(), hash.data(), hash_bytes) == 1;
  }
  std::array<unsigned char, 72> der{};
  const std::size_t der_bytes = der_signature(signature, der);
  return EVP_PKEY_verify(copy.get(), der.data(), der_bytes, hash.data(), hash_bytes) == 1;
}

}  // namespace tenon::safeguards
