// Verifications of bearer tokens a second, by algorithm, beside OpenSSL's own speed for the same signature over the
// same bytes (contexts reused, digest included), in interleaved rounds of one run:
//
//   first    a token that this node has not seen: signature, header and claims
//   again    the same token once more, as a client sends it with each request: out of the cache
//   openssl  EVP_MAC, EVP_PKEY_verify or EVP_DigestVerify alone
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
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "safeguards/caller.hpp"
#include "safeguards/token_cache.hpp"
#include "safeguards/token_key.hpp"
#include "support/signing_key.hpp"
#include "timing.hpp"

namespace {

using namespace tenon;
using namespace tenon::safeguards;
using namespace tenon::bench;

constexpr std::size_t tokens = 20'000;  // more than the cache holds: each is new when its turn comes again
const std::string secret = "a benchmark's secret of 32 bytes";

std::string claims(std::size_t number) {
  return R"({"sub":"clerk-)" + std::to_string(number) +
         R"(","roles":["staff"],"iss":"https://issuer.example","aud":"tenon","iat":1764652800,"exp":1764656400,"jti":")" +
         std::to_string(number) + "\"}";
}

// OpenSSL alone.
class Bare {
 public:
  Bare(TokenAlgorithm algorithm, const test::SigningKey* key, std::string text)
      : algorithm_(algorithm), text_(std::move(text)) {
    if (key == nullptr) {
      mac_ = hmac_sha256(secret);
      return;
    }
    const std::string pem = key->public_pem();
    BIO* in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    EVP_PKEY* pkey = PEM_read_bio_PUBKEY(in, nullptr, nullptr, nullptr);
    BIO_free(in);
    signature_ = algorithm == TokenAlgorithm::es256 ? key->der(text_) : key->sign(text_);
    if (algorithm == TokenAlgorithm::eddsa) {
      text_context_ = EVP_MD_CTX_new();
      require(EVP_DigestVerifyInit(text_context_, nullptr, nullptr, nullptr, pkey) == 1);
    } else {
      digest_context_ = EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr);
      require(EVP_PKEY_verify_init(digest_context_) == 1);
      if (algorithm != TokenAlgorithm::es256) {
        const int padding = algorithm == TokenAlgorithm::rs256 ? RSA_PKCS1_PADDING : RSA_PKCS1_PSS_PADDING;
        require(EVP_PKEY_CTX_set_rsa_padding(digest_context_, padding) == 1 &&
                EVP_PKEY_CTX_set_signature_md(digest_context_, EVP_sha256()) == 1);
      }
    }
    EVP_PKEY_free(pkey);
  }
  ~Bare() {
    EVP_MAC_CTX_free(mac_);
    EVP_PKEY_CTX_free(digest_context_);
    EVP_MD_CTX_free(text_context_);
  }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;

  void operator()() {
    std::array<unsigned char, 32> hash{};
    if (algorithm_ == TokenAlgorithm::hs256) {
      std::size_t size = 0;
      require(EVP_MAC_init(mac_, nullptr, 0, nullptr) == 1 && EVP_MAC_update(mac_, bytes(text_), text_.size()) == 1 &&
              EVP_MAC_final(mac_, hash.data(), &size, hash.size()) == 1);
    } else if (algorithm_ == TokenAlgorithm::eddsa) {
      require(EVP_DigestVerify(text_context_, bytes(signature_), signature_.size(), bytes(text_), text_.size()) == 1);
    } else {
      unsigned size = 0;
      require(EVP_Digest(text_.data(), text_.size(), hash.data(), &size, EVP_sha256(), nullptr) == 1);
      require(EVP_PKEY_verify(digest_context_, bytes(signature_), signature_.size(), hash.data(), size) == 1);
    }
  }

 private:
  TokenAlgorithm algorithm_;
  std::string text_;
  std::string signature_;
  EVP_MAC_CTX* mac_ = nullptr;
  EVP_PKEY_CTX* digest_context_ = nullptr;
  EVP_MD_CTX* text_context_ = nullptr;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void measure(TokenAlgorithm algorithm, int rounds) {
  std::unique_ptr<test::SigningKey> key;
  TokenKeyring ring;
  if (algorithm != TokenAlgorithm::hs256) {
    key = std::make_unique<test::SigningKey>(algorithm);
    auto keys = std::make_shared<TokenKeys>();
    keys->add({.algorithm = algorithm,
               .id = "a",
               .verifier = {PublicKey::from_pem(key->public_pem()).value(), scheme_of(algorithm).value()}});
    ring.replace(std::move(keys));
  }
  const TokenRules rules{.issuer = "https://issuer.example", .audiences = {"tenon"}};
  const TokenVerifier verifier(TokenTrust{.secret = secret, .keys = &ring}, rules);
  const std::size_t made = key == nullptr ? tokens : TokenCache::tokens_per_thread * 2;
  std::vector<std::string> all;
  for (std::size_t i = 0; i < made; ++i) {
    all.push_back(key == nullptr ? issue_token(secret, "clerk-" + std::to_string(i), Role::staff, now, 3600, rules,
                                               std::to_string(i))
                                 : key->token_of(claims(i), "a"));
  }
  Bare bare(algorithm, key.get(), all.front().substr(0, all.front().rfind('.')));
  std::vector<double> first;
  std::vector<double> again;
  std::vector<double> openssl;
  std::size_t next = 0;
  for (int round = 0; round < rounds; ++round) {
    openssl.push_back(nanoseconds_of([&] { bare(); }));
    first.push_back(nanoseconds_of([&] { require(verifier.verify_token(all[next++ % all.size()], now).has_value()); }));
    again.push_back(nanoseconds_of([&] { require(verifier.verify_token(all.front(), now).has_value()); }));
  }
  const double alone = median(openssl);
  std::printf("%-6s  %12.0f  %12.0f  %12.0f  %15.2f  %15.2f\n", std::string(name_of(algorithm)).c_str(), 1e9 / alone,
              1e9 / median(first), 1e9 / median(again), alone / median(first), alone / median(again));
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 7;
  std::printf("a second  %10s  %12s  %12s  %15s  %15s\n", "openssl", "first", "again", "first/openssl",
              "again/openssl");
  for (const TokenAlgorithm algorithm : {TokenAlgorithm::hs256, TokenAlgorithm::rs256, TokenAlgorithm::ps256,
                                         TokenAlgorithm::es256, TokenAlgorithm::eddsa}) {
    measure(algorithm, rounds);
  }
  return 0;
}
