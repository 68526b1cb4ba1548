// What a forger tries against tokens that are verified with public keys: for every algorithm each class with a token
// that is refused and its twin that is accepted. HS256 and the form of claims and header: caller_test.cpp.
#include <gtest/gtest.h>

#include <map>

#include "base/limits.hpp"
#include "safeguards/caller.hpp"
#include "support/signing_key.hpp"
#include "tokens.hpp"

namespace tenon::safeguards {
namespace {

using enum TokenAlgorithm;
using test::SigningKey;

constexpr TokenAlgorithm asymmetric[] = {rs256, ps256, es256, eddsa};
const std::string claims = R"({"sub":"alice","exp":1764652931})";  // in a minute

const SigningKey& issuer(TokenAlgorithm algorithm) {
  static std::map<TokenAlgorithm, SigningKey> keys;
  return keys.try_emplace(algorithm, algorithm).first->second;
}
const SigningKey& stranger(TokenAlgorithm algorithm) {
  static std::map<TokenAlgorithm, SigningKey> keys;
  return keys.try_emplace(algorithm, algorithm).first->second;
}

TokenKey key_of(const SigningKey& key, TokenAlgorithm algorithm, std::optional<std::string> id = {}) {
  return {.algorithm = algorithm,
          .id = std::move(id),
          .verifier = {PublicKey::from_pem(key.public_pem()).value(), scheme_of(algorithm).value()}};
}

struct Named {
  const SigningKey& key;
  TokenAlgorithm algorithm;
  std::optional<std::string> id = {};
};

// A verifier of one key, as --token-key sets it up; `secret` as if HS256 were allowed beside it.
class Trusting {
 public:
  explicit Trusting(TokenAlgorithm algorithm, std::optional<std::string> secret = {}) {
    auto keys = std::make_shared<TokenKeys>();
    keys->set_only(key_of(issuer(algorithm), algorithm));
    ring_.replace(std::move(keys));
    verifier_.emplace(TokenTrust{.secret = std::move(secret), .keys = &ring_});
  }
  explicit Trusting(std::initializer_list<Named> several) {
    auto keys = std::make_shared<TokenKeys>();
    for (const Named& one : several) keys->add(key_of(one.key, one.algorithm, one.id));
    ring_.replace(std::move(keys));
    verifier_.emplace(TokenTrust{.keys = &ring_});
  }
  // "valid", or the code of the refusal; "valid" only for the right user.
  std::string operator()(std::string_view token, Instant now = token_now) const {
    const auto caller = verifier_->verify_token(token, now);
    if (!caller) return std::string(kind_of(caller.error().code).code);
    return caller->user == "alice" ? "valid" : "of " + caller->user;
  }
  TokenKeyring& ring() { return ring_; }

 private:
  TokenKeyring ring_;
  std::optional<TokenVerifier> verifier_;
};

std::string header_of(TokenAlgorithm algorithm, std::string_view further = {}) {
  return R"({"alg":")" + std::string(name_of(algorithm)) + '"' + std::string(further) + "}";
}
std::string with_signature(std::string_view header, std::string_view signature) {
  return base64url(header) + "." + base64url(claims) + "." + base64url(signature);
}

TEST(EachAlgorithm, TakesItsIssuersTokensAndNoStrangers) {
  for (const TokenAlgorithm algorithm : asymmetric) {
    SCOPED_TRACE(name_of(algorithm));
    const Trusting judged(algorithm);
    EXPECT_EQ(judged(issuer(algorithm).token_of(claims)), "valid");
    EXPECT_EQ(judged(stranger(algorithm).token_of(claims)), "token_invalid");
    const std::string good = issuer(algorithm).token_of(claims);
    for (std::size_t at = 0; at < good.size(); at += 7) {
      std::string changed = good;
      changed[at] = changed[at] == 'A' ? 'B' : 'A';
      EXPECT_EQ(judged(changed), "token_invalid") << "byte " << at;
    }
  }
}

TEST(EachAlgorithm, IsTheKeysAndNeverTheTokens) {
  for (const TokenAlgorithm algorithm : asymmetric) {
    SCOPED_TRACE(name_of(algorithm));
    const Trusting judged(algorithm);
    const SigningKey& key = issuer(algorithm);
    EXPECT_EQ(judged(key.token(header_of(algorithm), claims)), "valid");
    for (const char* other : {"none", "None", "NONE", "", "HS256", "RS256", "PS256", "ES256", "EdDSA", "RS512", "ES384",
                              "rs256", "Ed25519", "ES256K"}) {
      if (other == name_of(algorithm)) continue;
      const std::string header = R"({"alg":")" + std::string(other) + "\"}";
      EXPECT_EQ(judged(key.token(header, claims)), "token_invalid") << other;
      EXPECT_EQ(judged(with_signature(header, "")), "token_invalid") << other << ", unsigned";
    }
    for (const char* header : {R"({})", R"({"alg":null})", R"({"alg":["RS256"]})", "{", "[]", ""}) {
      EXPECT_EQ(judged(key.token(header, claims)), "token_invalid") << header;
    }
    const std::string twice = R"({"alg":"none","alg":")" + std::string(name_of(algorithm)) + "\"}";
    EXPECT_EQ(judged(key.token(twice, claims)), "token_invalid");
  }
}

// The oldest trick: the public key, which everybody has, taken for a secret.
TEST(EachAlgorithm, NeverTakesItsPublicKeyForASecret) {
  for (const TokenAlgorithm algorithm : asymmetric) {
    SCOPED_TRACE(name_of(algorithm));
    const std::string pem = issuer(algorithm).public_pem();
    for (const std::string& secret : {pem, pem.substr(0, pem.size() - 1), issuer(algorithm).jwk()}) {
      const std::string forged = signed_token(R"({"alg":"HS256","typ":"JWT"})", claims, secret);
      const std::string as_theirs = signed_token(header_of(algorithm), claims, secret);
      EXPECT_EQ(Trusting(algorithm)(forged), "token_invalid");
      EXPECT_EQ(Trusting(algorithm)(as_theirs), "token_invalid");
      EXPECT_EQ(Trusting(algorithm, token_secret)(forged), "token_invalid");
      EXPECT_EQ(Trusting(algorithm, token_secret)(as_theirs), "token_invalid");
    }
    // Beside it, HS256 has a secret of its own.
    const std::string ours = signed_token(R"({"alg":"HS256","typ":"JWT"})", claims);
    EXPECT_EQ(Trusting(algorithm, token_secret)(ours), "valid");
    EXPECT_EQ(Trusting(algorithm)(ours), "token_invalid");
  }
}

TEST(RsaKeys, VerifyUnderTheirOnePaddingOnly) {
  const SigningKey& key = issuer(rs256);
  const Trusting as_rs256{Named{key, rs256}};
  const Trusting as_ps256{Named{key, ps256}};
  const std::string text = base64url(header_of(ps256)) + "." + base64url(claims);
  const std::string pkcs1 = text + "." + base64url(key.sign(text));
  EXPECT_EQ(as_ps256(pkcs1), "token_invalid") << "PKCS#1 v1.5 said to be PSS";
  const std::string rs = key.token(header_of(rs256), claims);
  EXPECT_EQ(as_rs256(rs), "valid");
  EXPECT_EQ(as_ps256(rs), "token_invalid");
}

TEST(PssSignatures, HaveASaltAsLongAsTheDigest) {
  const Trusting judged(ps256);
  const std::string text = base64url(header_of(ps256)) + "." + base64url(claims);
  for (const int salt : {32, 0, 20, 31, 33, 64, 222}) {
    EXPECT_EQ(judged(text + "." + base64url(issuer(ps256).sign(text, salt))), salt == 32 ? "valid" : "token_invalid")
        << salt;
  }
}

TEST(RsaSignatures, AreExactlyAsLongAsTheModulus) {
  for (const TokenAlgorithm algorithm : {rs256, ps256}) {
    const Trusting judged(algorithm);
    const std::string text = base64url(header_of(algorithm)) + "." + base64url(claims);
    const std::string good = issuer(algorithm).sign(text);
    const std::pair<const char*, std::string> cases[] = {
        {"empty", ""},
        {"one byte", "a"},
        {"cut short", good.substr(0, 255)},
        {"a leading zero more", std::string(1, '\0') + good},
        {"a byte more", good + "a"},
        {"all zero", std::string(256, '\0')},
        {"one", std::string(255, '\0') + "\1"},
        {"all ones", std::string(256, '\xff')},
    };
    EXPECT_EQ(judged(text + "." + base64url(good)), "valid");
    for (const auto& [name, signature] : cases) {
      EXPECT_EQ(judged(text + "." + base64url(signature)), "token_invalid") << name;
    }
  }
}

TEST(EcdsaSignatures, AreTwoNumbersOf32BytesInRange) {
  const Trusting judged(es256);
  const std::string text = base64url(header_of(es256)) + "." + base64url(claims);
  const std::string good = issuer(es256).sign(text);
  const std::string zero(32, '\0');
  std::string one = zero;
  one.back() = '\1';
  const std::string order =  // of P-256
      base64url_decode("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE").value();
  const std::pair<const char*, std::string> cases[] = {
      {"DER", issuer(es256).der(text)},
      {"r = s = 0", zero + zero},
      {"r = 0", zero + good.substr(32)},
      {"s = 0", good.substr(0, 32) + zero},
      {"r = s = 1", one + one},
      {"r = the order", order + good.substr(32)},
      {"s = the order", good.substr(0, 32) + order},
      {"both the order", order + order},
      {"all ones", std::string(64, '\xff')},
      {"r and s exchanged", good.substr(32) + good.substr(0, 32)},
      {"cut short", good.substr(0, 63)},
      {"a byte more", good + "a"},
      {"a leading zero each", std::string(1, '\0') + good.substr(0, 32) + std::string(1, '\0') + good.substr(32)},
      {"48 bytes each, as of P-384",
       std::string(16, '\0') + good.substr(0, 32) + std::string(16, '\0') + good.substr(32)},
      {"empty", ""},
  };
  EXPECT_EQ(judged(text + "." + base64url(good)), "valid");
  for (const auto& [name, signature] : cases) {
    EXPECT_EQ(judged(text + "." + base64url(signature)), "token_invalid") << name;
  }
  // The numbers' encoding has no leading zeros in DER and has them here: as many tokens as it takes to meet both.
  for (int turn = 0; turn < 600; ++turn) {
    const std::string some = text + std::to_string(turn);
    ASSERT_TRUE(SignatureVerifier(PublicKey::from_pem(issuer(es256).public_pem()).value(),
                                  SignatureScheme::p256_sha256)(some, issuer(es256).sign(some)));
  }
}

// S and S + L are the same number to whoever does not look: RFC 8032 section 5.1.7 looks.
TEST(EdDsaSignatures, HaveOneFormOnly) {
  const Trusting judged(eddsa);
  const std::string text = base64url(header_of(eddsa)) + "." + base64url(claims);
  const std::string good = issuer(eddsa).sign(text);
  static constexpr unsigned char order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                              0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                              0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
  std::string larger = good;
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += static_cast<unsigned char>(larger[32 + i]) + order[i];
    larger[32 + i] = static_cast<char>(carry & 0xff);
    carry >>= 8;
  }
  EXPECT_EQ(judged(text + "." + base64url(good)), "valid");
  for (const std::string& bad : {larger, std::string(64, '\0'), good.substr(0, 32) + std::string(32, '\0'),
                                 good.substr(0, 63), good + "a", std::string{}}) {
    EXPECT_EQ(judged(text + "." + base64url(bad)), "token_invalid");
  }
}

TEST(EachAlgorithm, ReadsClaimsAndHeaderAsStrictlyAsHs256) {
  const std::pair<std::string, std::string> of_claims[] = {
      {R"({"sub":"alice","exp":1764652931})", "valid"},
      {R"({"sub":"alice","exp":1764652871})", "token_expired"},
      {R"({"sub":"alice","exp":1764652931,"nbf":1764652872})", "token_not_yet_valid"},
      {R"({"sub":"alice"})", "token_invalid"},
      {R"({"sub":"alice","exp":"1764652931"})", "token_invalid"},
      {R"({"sub":"alice","exp":1764652931.5})", "token_invalid"},
      {R"({"sub":"alice","exp":1e300})", "token_invalid"},
      {R"({"sub":"alice","exp":9223372036854775807})", "token_invalid"},
      {R"({"sub":"alice","exp":-1})", "token_invalid"},
      {R"({"sub":"alice","sub":"admin","exp":1764652931})", "token_invalid"},
      {R"({"sub":"alice","exp":1764652931,"jti":"x"})", "valid"},
      {R"({"sub":"alice","exp":1764652931,"jti":7})", "token_invalid"},
      {R"({"sub":"alice","exp":1764652931,"jti":""})", "token_invalid"},
      {R"({"sub":"alice","exp":1764652931}{})", "token_invalid"},
      {"", "token_invalid"},
  };
  const std::pair<std::string, std::string> of_header[] = {
      {R"(,"typ":"JWT")", "valid"},
      {R"(,"typ":"at+jwt")", "valid"},
      {R"(,"typ":"dpop+jwt")", "token_invalid"},
      {R"(,"crit":["exp"],"exp":1)", "token_invalid"},
      {R"(,"crit":[])", "token_invalid"},
      {R"(,"b64":false)", "valid"},  // means nothing without crit, and the claims are base64url
      {R"(,"zip":"DEF")", "valid"},  // as above
      {R"(,"kid":"a","kid":"b")", "token_invalid"},
      {R"(,"kid":7)", "token_invalid"},
      {R"(,"kid":")" + std::string(limits::key_id_bytes_max + 1, 'k') + '"', "token_invalid"},
      {R"(,"kid":"' OR 1=1 --")", "valid"},  // the only key there is: its name does not matter
      {R"(,"kid":"../../../../dev/null")", "valid"},
  };
  for (const TokenAlgorithm algorithm : asymmetric) {
    SCOPED_TRACE(name_of(algorithm));
    const Trusting judged(algorithm);
    for (const auto& [text, outcome] : of_claims) EXPECT_EQ(judged(issuer(algorithm).token_of(text)), outcome) << text;
    for (const auto& [further, outcome] : of_header) {
      EXPECT_EQ(judged(issuer(algorithm).token(header_of(algorithm, further), claims)), outcome) << further;
    }
    const std::string good = issuer(algorithm).token_of(claims);
    for (const std::string& odd : {good + "=", good + ".", good + "\n", " " + good, good.substr(0, good.rfind('.')),
                                   good + std::string(1024 * 1024, 'A'), std::string(1024 * 1024, '.')}) {
      EXPECT_EQ(judged(odd), "token_invalid");
    }
  }
}

// A stranger's own key, sent along in every way a header can: never looked at.
TEST(EachAlgorithm, TakesNoKeyFromTheTokenItself) {
  for (const TokenAlgorithm algorithm : asymmetric) {
    SCOPED_TRACE(name_of(algorithm));
    const Trusting judged(algorithm);
    const std::string jwk = R"(,"jwk":)" + stranger(algorithm).jwk();
    for (const std::string& further :
         {jwk, std::string(R"(,"jku":"https://127.0.0.1:1/keys")"), std::string(R"(,"x5u":"https://127.0.0.1:1/c")"),
          std::string(R"(,"x5c":["MIIB"],"x5t":"AAAA")"), jwk + R"(,"kid":"their-own")"}) {
      const std::string header = header_of(algorithm, further);
      EXPECT_EQ(judged(stranger(algorithm).token(header, claims)), "token_invalid") << further.substr(0, 20);
      EXPECT_EQ(judged(issuer(algorithm).token(header, claims)), "valid") << further.substr(0, 20);
    }
  }
}

TEST(KeyIds, ChooseAmongTheKeysThereAre) {
  Trusting judged{{issuer(rs256), rs256, "a"}, {stranger(rs256), rs256, "b"}, {issuer(es256), es256, "c"}};
  EXPECT_EQ(judged(issuer(rs256).token_of(claims, "a")), "valid");
  EXPECT_EQ(judged(stranger(rs256).token_of(claims, "b")), "valid");
  EXPECT_EQ(judged(issuer(rs256).token_of(claims, "b")), "token_invalid") << "another's name";
  EXPECT_EQ(judged(issuer(rs256).token_of(claims)), "token_invalid") << "no name, and two could be meant";
  EXPECT_EQ(judged(issuer(es256).token_of(claims)), "valid") << "no name, and one could be meant";
  EXPECT_TRUE(judged.ring().take_miss());

  EXPECT_EQ(judged(issuer(es256).token_of(claims, "c")), "valid");
  EXPECT_FALSE(judged.ring().take_miss());
  EXPECT_EQ(judged(issuer(rs256).token_of(claims, "c")), "token_invalid") << "a key of another algorithm";
  EXPECT_EQ(judged(issuer(rs256).token_of(claims, "A")), "token_invalid") << "case matters";
  EXPECT_TRUE(judged.ring().take_miss()) << "whoever fetches keys is told";
  EXPECT_FALSE(judged.ring().take_miss());
  EXPECT_EQ(judged(issuer(rs256).token(header_of(rs256, R"(,"kid":"")"), claims)), "token_invalid");
}

TEST(KeyIds, FindNewKeysOnceTheyAreThereAndOldOnesNoMore) {
  Trusting judged{Named{issuer(es256), es256, "old"}};
  const std::string old_one = issuer(es256).token_of(claims, "old");
  const std::string new_one = stranger(es256).token_of(claims, "new");
  EXPECT_EQ(judged(old_one), "valid");
  EXPECT_EQ(judged(new_one), "token_invalid");
  auto keys = std::make_shared<TokenKeys>();
  keys->add(key_of(stranger(es256), es256, "new"));
  judged.ring().replace(std::move(keys));
  EXPECT_EQ(judged(old_one), "token_invalid");
  EXPECT_EQ(judged(new_one), "valid");
}

// Of whatever a forger gets wrong before the signature is right, the words are the same.
TEST(AForgedTokenUnderAPublicKey, LearnsNothingFromItsRefusal) {
  TokenKeyring ring;
  auto keys = std::make_shared<TokenKeys>();
  keys->add(key_of(issuer(es256), es256, "a"));
  ring.replace(std::move(keys));
  const TokenVerifier verifier(TokenTrust{.keys = &ring});
  for (const std::string& token :
       {stranger(es256).token_of(claims, "a"), stranger(es256).token_of(claims, "no-such-key"),
        stranger(es256).token_of("{}", "a"), stranger(es256).token(R"({"alg":"none"})", claims),
        stranger(es256).token(header_of(es256, R"(,"kid":"a","crit":["x"])"), claims),
        stranger(es256).token(header_of(es256, R"(,"kid":7)"), claims), signed_token(R"({"alg":"HS256"})", claims)}) {
    const auto refused = verifier.verify_token(token, token_now);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ProblemCode::token_invalid);
    EXPECT_EQ(refused.error().detail, "The token does not verify.");
  }
}

// What OpenSSL notes about a failure would be read by the next TLS operation of this thread.
TEST(AFailedVerification, LeavesNothingInTheErrorQueue) {
  for (const TokenAlgorithm algorithm : asymmetric) {
    const Trusting judged(algorithm);
    EXPECT_EQ(judged(stranger(algorithm).token_of(claims)), "token_invalid");
    EXPECT_EQ(test::first_queued_error(), 0U) << name_of(algorithm);
  }
}

// RFC 7515 appendices A.2 and A.3, RFC 8037 appendix A.4: computed elsewhere.
TEST(TheExamples, OfTheRfcsVerify) {
  const auto bytes = [](std::string_view text) { return base64url_decode(text).value(); };
  const std::string payload =
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
  const SignatureVerifier rsa(
      PublicKey::from_rsa(bytes("ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-"
                                "4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ"
                                "S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
                                "bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2"
                                "R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"
                                "h9iaGNj8q2ethFkMLs91kzk2PAcD"
                                "TW9gb54h4FRWyuXpoQ"),
                          bytes("AQAB"))
          .value(),
      SignatureScheme::rsa_v1_5_sha256);
  EXPECT_TRUE(
      rsa("eyJhbGciOiJSUzI1NiJ9." + payload,
          bytes("cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujG"
                "bds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
                "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6"
                "LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw")));
  const SignatureVerifier p256(PublicKey::from_p256(bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                                                    bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"))
                                   .value(),
                               SignatureScheme::p256_sha256);
  EXPECT_TRUE(p256("eyJhbGciOiJFUzI1NiJ9." + payload,
                   bytes("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")));
  const SignatureVerifier ed25519(PublicKey::from_ed25519(bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")).value(),
                                  SignatureScheme::ed25519);
  EXPECT_TRUE(ed25519("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
                      bytes("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")));
}

}  // namespace
}  // namespace tenon::safeguards
