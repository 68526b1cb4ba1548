// Verifications of signed requests a second, by algorithm, beside OpenSSL's own speed for the same signature over the
// same bytes (context reused, digest included), in interleaved rounds of one run:
//
//   request    the whole decision: headers parsed, cover, Content-Digest over the body, window, signature base,
//   signature signature  the signature alone, as the verifier checks it openssl    EVP_MAC, EVP_PKEY_verify or
//   EVP_DigestVerify alone
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "safeguards/signature/message.hpp"
#include "safeguards/signature/outgoing.hpp"
#include "safeguards/signature/verify.hpp"
#include "timing.hpp"

namespace {

using namespace tenon;
using signature::Algorithm;
using namespace tenon::bench;

// OpenSSL alone. What it allocates lives as long as the program.
class Bare {
 public:
  Bare(Algorithm algorithm, const signature::KeyPair& pair, std::string text, std::string made)
      : algorithm_(algorithm), text_(std::move(text)), signature_(std::move(made)) {
    if (algorithm == Algorithm::hmac_sha256) {
      mac_ = hmac_sha256(pair.public_half);
      return;
    }
    BIO* in = BIO_new_mem_buf(pair.public_half.data(), static_cast<int>(pair.public_half.size()));
    EVP_PKEY* key = PEM_read_bio_PUBKEY(in, nullptr, nullptr, nullptr);
    require(key != nullptr);
    if (algorithm == Algorithm::ed25519) {
      text_context_ = EVP_MD_CTX_new();
      require(EVP_DigestVerifyInit(text_context_, nullptr, nullptr, nullptr, key) == 1);
      return;
    }
    if (algorithm == Algorithm::ecdsa_p256_sha256) to_der();
    if (algorithm == Algorithm::rsa_pss_sha512) digest_ = EVP_sha512();
    digest_context_ = EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr);
    require(EVP_PKEY_verify_init(digest_context_) == 1);
    if (algorithm == Algorithm::ecdsa_p256_sha256) return;
    const bool pss = algorithm == Algorithm::rsa_pss_sha512;
    require(EVP_PKEY_CTX_set_rsa_padding(digest_context_, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1 &&
            EVP_PKEY_CTX_set_signature_md(digest_context_, digest_) == 1);
  }

  void operator()() {
    std::array<unsigned char, 64> hash{};
    if (algorithm_ == Algorithm::hmac_sha256) {
      std::size_t size = 0;
      require(EVP_MAC_init(mac_, nullptr, 0, nullptr) == 1 && EVP_MAC_update(mac_, bytes(text_), text_.size()) == 1 &&
              EVP_MAC_final(mac_, hash.data(), &size, hash.size()) == 1);
    } else if (algorithm_ == Algorithm::ed25519) {
      require(EVP_DigestVerify(text_context_, bytes(signature_), signature_.size(), bytes(text_), text_.size()) == 1);
    } else {
      unsigned size = 0;
      require(EVP_Digest(text_.data(), text_.size(), hash.data(), &size, digest_, nullptr) == 1);
      require(EVP_PKEY_verify(digest_context_, bytes(signature_), signature_.size(), hash.data(), size) == 1);
    }
  }

 private:
  void to_der() {
    ECDSA_SIG* parts = ECDSA_SIG_new();
    require(ECDSA_SIG_set0(parts, BN_bin2bn(bytes(signature_), 32, nullptr),
                           BN_bin2bn(bytes(signature_) + 32, 32, nullptr)) == 1);
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(parts, &der);
    signature_.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  }

  Algorithm algorithm_;
  std::string text_;
  std::string signature_;
  const EVP_MD* digest_ = EVP_sha256();
  EVP_MAC_CTX* mac_ = nullptr;
  EVP_PKEY_CTX* digest_context_ = nullptr;
  EVP_MD_CTX* text_context_ = nullptr;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void measure(Algorithm algorithm, int rounds) {
  const signature::KeyPair pair = signature::generate(algorithm);
  signature::OutgoingRequest sale;
  sale.method = http::Method::patch;
  sale.body = R"({"decrement":2})";
  require(sale.go_to("https://shop.example/api/inventory/018f0000-0000-7000-8000-000000000001"));
  sale.set("Idempotency-Key", "order-7");
  const auto key = signature::SigningKey::load(algorithm, pair.private_half).value();
  require(signature::add_signature(sale, key, "018f0000-0000-7000-8000-000000000002", "nonce-000001", now));
  std::vector<http::Header> lines;
  for (const auto& [name, value] : sale.headers) lines.push_back({name, value});
  http::Request request;
  request.method = sale.method;
  request.target = sale.target;
  request.path = sale.target;
  request.headers = lines;
  request.body = sale.body;
  request.secure = true;

  const signature::Key known{.id = "k",
                             .user = "seller",
                             .verifier = signature::VerifyingKey::load(algorithm, pair.public_half).value(),
                             .expires = {}};
  const signature::Rules rules;
  const auto presented = signature::read_signature(request).value().value();
  const std::string base = signature::signature_base(signature::message_of(request), presented.covered).value();
  Bare bare(algorithm, pair, base, presented.signature);
  std::vector<double> whole;
  std::vector<double> alone;
  std::vector<double> openssl;
  for (int round = 0; round < rounds; ++round) {
    whole.push_back(nanoseconds_of([&] {
      const auto read = signature::read_signature(request);
      require(read && *read && signature::verify(request, **read, &known, "seller", rules, now).has_value());
    }));
    alone.push_back(nanoseconds_of([&] { require(known.verifier.verify(base, presented.signature)); }));
    openssl.push_back(nanoseconds_of([&] { bare(); }));
  }
  const double reference = median(openssl);
  std::printf("%-18s %12.0f %12.0f %12.0f %10.2f %10.2f\n", std::string(name_of(algorithm)).c_str(),
              1e9 / median(whole), 1e9 / median(alone), 1e9 / reference, reference / median(whole),
              reference / median(alone));
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 5;
  std::printf("a second, medians of %d rounds\n%-18s %12s %12s %12s %10s %10s\n", rounds, "", "request", "signature",
              "openssl", "request/o", "signature/o");
  for (const Algorithm algorithm : signature::algorithms) measure(algorithm, rounds);
}
