#include "safeguards/signature/key.hpp"

#include <gtest/gtest.h>

#include "unit/signature/rfc9421_keys.hpp"

namespace tenon::signature {
namespace {

using enum Algorithm;

std::string trouble(Algorithm algorithm, const std::string& material) {
  const auto key = VerifyingKey::load(algorithm, material);
  return key ? "none" : key.error();
}

TEST(Key, OfEachAlgorithmSignsAndVerifiesAndNothingElseDoes) {
  for (const Algorithm algorithm : algorithms) {
    const KeyPair pair = generate(algorithm);
    const KeyPair other = generate(algorithm);
    const auto key = SigningKey::load(algorithm, pair.private_half);
    const auto verifier = VerifyingKey::load(algorithm, pair.public_half);
    const auto others = VerifyingKey::load(algorithm, other.public_half);
    ASSERT_TRUE(key && verifier && others) << name_of(algorithm);
    const std::string signature = key->sign("what was said");
    EXPECT_TRUE(verifier->verify("what was said", signature)) << name_of(algorithm);
    EXPECT_FALSE(verifier->verify("what was Said", signature)) << name_of(algorithm);
    EXPECT_FALSE(others->verify("what was said", signature)) << name_of(algorithm);
    EXPECT_FALSE(verifier->verify("what was said", "")) << name_of(algorithm);
    EXPECT_FALSE(verifier->verify("what was said", signature + '\0')) << name_of(algorithm);
    EXPECT_FALSE(verifier->verify("what was said", signature.substr(0, signature.size() - 1))) << name_of(algorithm);
    for (const std::size_t at : {std::size_t{0}, signature.size() / 2, signature.size() - 1}) {
      std::string bent = signature;
      bent[at] = static_cast<char>(bent[at] ^ 1);
      EXPECT_FALSE(verifier->verify("what was said", bent)) << name_of(algorithm) << " byte " << at;
    }
    EXPECT_EQ(verifier->algorithm(), algorithm);
  }
}

TEST(Key, IsTakenForItsOwnAlgorithmOnly) {
  const std::string rsa = rfc9421::test_key_rsa_public;
  const std::string p256 = rfc9421::test_key_ecc_p256_public;
  const std::string ed25519_key = rfc9421::test_key_ed25519_public;
  const struct {
    Algorithm algorithm;
    std::string material;
    const char* trouble;
  } rows[] = {
      {rsa_pss_sha512, rsa, "none"},
      {rsa_v1_5_sha256, rsa, "none"},
      {ecdsa_p256_sha256, p256, "none"},
      {ed25519, ed25519_key, "none"},
      {ed25519, p256, "this is no key of ed25519"},
      {ecdsa_p256_sha256, ed25519_key, "this is no key of ecdsa-p256-sha256"},
      {rsa_pss_sha512, p256, "this is no key of rsa-pss-sha512"},
      {rsa_v1_5_sha256, ed25519_key, "this is no key of rsa-v1_5-sha256"},
      {ed25519, "nonsense", "no PEM block \"PUBLIC KEY\""},
      {ed25519, rfc9421::test_key_ed25519_private,
       "a private key: whoever reads it can sign. Make a public one: openssl pkey -in IT -pubout"},
      {ed25519, std::string(5000, 'x'), "a key this long is not read"},
      {hmac_sha256, std::string(31, 's'), "a shared secret has 32 to 512 bytes"},
      {hmac_sha256, std::string(513, 's'), "a shared secret has 32 to 512 bytes"},
      {hmac_sha256, std::string(32, 's'), "none"},
  };
  for (const auto& row : rows) EXPECT_EQ(trouble(row.algorithm, row.material), row.trouble) << name_of(row.algorithm);
}

TEST(Key, OfRsaHasEnoughBits) {
  const std::string small = R"(-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC2QGLpeaMPdy7QKl+xMHsIwTJT
6INAlTtIWhufZmetCVvfxu2jdPrVS4VTFKbwPDuj+1wtOEoDpC5taYyQlnL6x5Zf
Ln+KrYZaY0w8JGGFBp1Da1/By8E5gkaD6jMqQMHP/KUK/5TZiCwgLu3v4p8VsY57
2x5YVpF8Vj3h/NJSmQIDAQAB
-----END PUBLIC KEY-----
)";
  for (const Algorithm algorithm : {rsa_pss_sha512, rsa_v1_5_sha256}) {
    EXPECT_EQ(trouble(algorithm, small), "an RSA key of 1024 bits is too weak: 2048 is the least");
  }
}

// ECDSA in DER is another text for the same numbers: two texts for one signature are one too many.
TEST(Key, OfEcdsaTakesRAndSAndNoDer) {
  const auto key = SigningKey::load(ecdsa_p256_sha256, rfc9421::test_key_ecc_p256_private).value();
  const auto verifier = VerifyingKey::load(ecdsa_p256_sha256, rfc9421::test_key_ecc_p256_public).value();
  const std::string raw = key.sign("m");
  ASSERT_EQ(raw.size(), 64U);
  ASSERT_TRUE(verifier.verify("m", raw));
  const auto integer = [](std::string half) {
    while (half.size() > 1 && half[0] == '\0' && (half[1] & 0x80) == 0) half.erase(0, 1);
    if ((half[0] & 0x80) != 0) half.insert(half.begin(), '\0');
    return std::string("\x02") + static_cast<char>(half.size()) + half;
  };
  const std::string both = integer(raw.substr(0, 32)) + integer(raw.substr(32));
  EXPECT_FALSE(verifier.verify("m", std::string("\x30") + static_cast<char>(both.size()) + both));
  EXPECT_FALSE(verifier.verify("m", std::string(64, '\0')));  // r = s = 0
}

TEST(Key, NeverUsesAPublicKeyAsASharedSecret) {
  // The key's kind decides: a MAC under the text of the public key is just a wrong signature.
  const auto forged = SigningKey::load(hmac_sha256, std::string(rfc9421::test_key_rsa_public).substr(0, 512)).value();
  const auto verifier = VerifyingKey::load(rsa_pss_sha512, rfc9421::test_key_rsa_public).value();
  EXPECT_FALSE(verifier.verify("m", forged.sign("m")));
}

}  // namespace
}  // namespace tenon::signature
