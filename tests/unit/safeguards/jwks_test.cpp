#include "safeguards/jwks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "support/signing_key.hpp"

namespace tenon::safeguards {
namespace {

using enum TokenAlgorithm;
using test::SigningKey;
using testing::HasSubstr;

const SigningKey& rsa() {
  static const SigningKey key(rs256);
  return key;
}
const SigningKey& p256() {
  static const SigningKey key(es256);
  return key;
}
const SigningKey& ed() {
  static const SigningKey key(eddsa);
  return key;
}

std::string set_of(std::initializer_list<std::string> keys) {
  std::string text = R"({"keys":[)";
  for (const std::string& key : keys) text += (text.back() == '[' ? "" : ",") + key;
  return text + "]}";
}

// "1 key", or why not.
std::string judged(const std::string& text, std::vector<TokenAlgorithm> algorithms = {rs256, es256, eddsa}) {
  const auto set = parse_key_set(text, algorithms);
  return set ? std::to_string(set->keys->size()) + " taken" : set.error();
}

TEST(AKeySet, HasKeysOfEachKindByTheirNames) {
  const auto set = parse_key_set(set_of({rsa().jwk(R"(,"kid":"r","use":"sig","alg":"RS256","x5c":["ignored"])"),
                                         p256().jwk(R"(,"kid":"e","key_ops":["verify"])"), ed().jwk(R"(,"kid":"d")")}),
                                 std::vector{rs256, es256, eddsa});
  ASSERT_TRUE(set) << set.error();
  EXPECT_TRUE(set->passed_over.empty());
  for (const auto& [key, id] : {std::pair{&rsa(), "r"}, {&p256(), "e"}, {&ed(), "d"}}) {
    const TokenKey* found = set->keys->find(key->algorithm(), id);
    ASSERT_NE(found, nullptr) << id;
    EXPECT_TRUE(found->verifier("text", key->sign("text"))) << id;
    EXPECT_FALSE(found->verifier("texts", key->sign("text"))) << id;
    EXPECT_EQ(set->keys->find(ps256, id), nullptr);
  }
}

TEST(AKeyOfASet, HasOneAlgorithm) {
  EXPECT_EQ(judged(set_of({rsa().jwk()}), {rs256}), "1 taken");
  EXPECT_EQ(judged(set_of({rsa().jwk()}), {ps256, es256}), "1 taken");
  EXPECT_THAT(judged(set_of({rsa().jwk()}), {rs256, ps256}), HasSubstr("leaves more than one"));
  EXPECT_EQ(judged(set_of({rsa().jwk(R"(,"alg":"PS256")")}), {rs256, ps256}), "1 taken");
  EXPECT_THAT(judged(set_of({rsa().jwk(R"(,"alg":"PS256")")}), {rs256}), HasSubstr("none that --token-alg allows"));
  EXPECT_THAT(judged(set_of({p256().jwk(R"(,"alg":"RS256")")})), HasSubstr("none that --token-alg allows"));
  EXPECT_THAT(judged(set_of({rsa().jwk(R"(,"alg":"HS256")")}), {hs256, rs256}), HasSubstr("none that"));
  EXPECT_THAT(judged(set_of({rsa().jwk(R"(,"alg":"none")")})), HasSubstr("none that --token-alg allows"));
  EXPECT_THAT(judged(set_of({rsa().jwk(R"(,"alg":["RS256"])")})), HasSubstr("none that --token-alg allows"));
  EXPECT_THAT(judged(set_of({ed().jwk()}), {rs256, es256}), HasSubstr("no algorithm of --token-alg"));
}

TEST(AKeySet, IsRefusedAsAWholeForWhatMustNotBeInIt) {
  const std::string good = p256().jwk(R"(,"kid":"a")");
  const std::pair<std::string, std::string> cases[] = {
      {set_of({good, R"({"kty":"oct","k":"c2VjcmV0","kid":"o"})"}), "private or symmetric"},
      {set_of({good, rsa().jwk(R"(,"d":"AQAB")")}), "private or symmetric"},
      {set_of({good, ed().jwk(R"(,"d":"AAAA","kid":"x")")}), "private or symmetric"},
      {set_of({good, ed().jwk(R"(,"use":"enc","d":"AAAA")")}), "private or symmetric"},
      {set_of({good, rsa().jwk(R"(,"kid":"a")")}), "two keys of the key set are called \"a\""},
      {set_of({good, "7"}), "no object"},
      {set_of({}), "no key that can be used"},
      {R"({"keys":{}})", "no list `keys`"},
      {R"([])", "no list `keys`"},
      {R"({"keys":[)" + good + R"(],"keys":[]})", "appears twice"},
      {set_of({p256().jwk(R"(,"kid":"a","kid":"b")")}), "appears twice"},
      {"", "no JSON"},
      {"<html>Sign in</html>", "no JSON"},
      {set_of({good}) + "x", "no JSON"},
      {"{\"keys\":[],\"x\":\"" + std::string(limits::key_set_bytes_max, 'x') + "\"}", "larger than 256 KiB"},
  };
  EXPECT_EQ(judged(set_of({good})), "1 taken");
  for (const auto& [text, why] : cases) EXPECT_THAT(judged(text), HasSubstr(why)) << text.substr(0, 200);
  std::string many;
  for (std::size_t i = 0; i <= limits::key_set_keys_max; ++i) many += (i == 0 ? "" : ",") + std::string("{}");
  EXPECT_THAT(judged(R"({"keys":[)" + many + "]}"), HasSubstr("more than 100"));
}

TEST(AKeySet, PassesOverKeysThatItCannotUse) {
  const std::string zero32 = base64url(std::string(32, '\0'));
  const SigningKey weak(rs256, 1024);
  const SigningKey short_by_one(rs256, 2047);
  const std::pair<std::string, std::string> cases[] = {
      {rsa().jwk(R"(,"use":"enc")"), "not for signatures"},
      {rsa().jwk(R"(,"use":["sig"])"), "not for signatures"},
      {rsa().jwk(R"(,"key_ops":["encrypt"])"), "not for signatures"},
      {rsa().jwk(R"(,"key_ops":"verify")"), "not for signatures"},
      {rsa().jwk(R"(,"kid":7)"), "`kid`"},
      {rsa().jwk(R"(,"kid":"")"), "`kid`"},
      {rsa().jwk(R"(,"kid":")" + std::string(201, 'k') + '"'), "`kid`"},
      {weak.jwk(), "1024 bits is too weak"},
      {short_by_one.jwk(), "2047 bits is too weak"},
      {R"({"kty":"RSA","n":"","e":"AQAB"})", "modulus"},
      {R"({"kty":"RSA","n":"AAAA=","e":"AQAB"})", "not base64url"},
      {R"({"kty":"RSA","e":"AQAB"})", "not base64url"},
      {R"({"kty":"RSA","n":")" + base64url(std::string(2048, '\xff')) + R"(","e":"AQAB"})", "8192"},
      {R"({"kty":"RSA","n":")" + base64url(std::string(256, '\xff')) + R"(","e":"Aw"})", "exponent"},
      {R"({"kty":"RSA","n":")" + base64url(std::string(256, '\xff')) + R"(","e":"AQAA"})", "exponent"},
      {R"({"kty":"EC","crv":"P-384","x":"AAAA","y":"AAAA"})", "P-256"},
      {R"({"kty":"EC","crv":"secp256k1","x":"AAAA","y":"AAAA"})", "P-256"},
      {R"({"kty":"EC","crv":"P-256","x":")" + zero32 + R"(","y":")" + zero32 + "\"}", "public key"},
      {R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"})", "32 bytes"},
      {R"({"kty":"OKP","crv":"X25519","x":")" + zero32 + "\"}", "Ed25519"},
      {R"({"kty":"OKP","crv":"Ed448","x":")" + zero32 + "\"}", "Ed25519"},
      {R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})", "32 bytes"},
      {R"({"kty":"AKP"})", "`kty`"},
      {R"({})", "`kty`"},
  };
  for (const auto& [key, why] : cases) {
    const auto set = parse_key_set(set_of({p256().jwk(R"(,"kid":"good")"), key}), std::vector{rs256, es256, eddsa});
    ASSERT_TRUE(set) << key << set.error();
    EXPECT_EQ(set->keys->size(), 1U) << key;
    ASSERT_EQ(set->passed_over.size(), 1U);
    EXPECT_THAT(set->passed_over.front(), HasSubstr(why)) << key;
    EXPECT_THAT(set->passed_over.front(), testing::StartsWith("key 2")) << key;
    EXPECT_THAT(judged(set_of({key})), HasSubstr("no key that can be used")) << key;
  }
}

TEST(AnEd25519Key, IsOfFullOrder) {
  const char* const small[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000080",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  };
  for (const std::string_view text : small) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
      bytes.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
    }
    const auto key = PublicKey::from_ed25519(bytes);
    ASSERT_FALSE(key) << text;
    EXPECT_THAT(key.error(), HasSubstr("small order"));
  }
}

TEST(APemKey, IsOnePublicKeyAndSaysWhatElseItIs) {
  const std::string good = rsa().public_pem();
  EXPECT_TRUE(PublicKey::from_pem(good));
  EXPECT_TRUE(PublicKey::from_pem("a comment\n" + good + "\n\n"));
  EXPECT_TRUE(PublicKey::from_pem(p256().public_pem()));
  EXPECT_TRUE(PublicKey::from_pem(ed().public_pem()));
  std::string broken = good;
  broken[good.size() / 2] = '!';
  const std::pair<std::string, std::string> cases[] = {
      {rsa().private_pem(), "openssl pkey"},
      {good + rsa().private_pem(), "openssl pkey"},
      {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "openssl x509"},
      {good + p256().public_pem(), "more than one"},
      {"", "no PEM block"},
      {"secret", "no PEM block"},
      {broken, "cannot be read"},
      {good.substr(0, good.size() / 2), "that can be read"},
      {SigningKey(rs256, 1024).public_pem(), "too weak"},
  };
  for (const auto& [pem, why] : cases) {
    const auto key = PublicKey::from_pem(pem);
    ASSERT_FALSE(key) << why;
    if (why != "cannot be read") {
      EXPECT_THAT(key.error(), HasSubstr(why));
    }
  }
  EXPECT_EQ(test::first_queued_error(), 0U);
}

TEST(ASignatureVerifier, RefusesAKeyOfAnotherKind) {
  const PublicKey key = PublicKey::from_pem(p256().public_pem()).value();
  EXPECT_NO_THROW(SignatureVerifier(key, SignatureScheme::p256_sha256));
  EXPECT_THROW(SignatureVerifier(key, SignatureScheme::rsa_pss_sha256), std::invalid_argument);
  EXPECT_THROW(SignatureVerifier(key, SignatureScheme::ed25519), std::invalid_argument);
}

}  // namespace
}  // namespace tenon::safeguards
