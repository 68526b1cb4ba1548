#include "safeguards/caller.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <thread>

#include "base/limits.hpp"
#include "request_with.hpp"
#include "tokens.hpp"

namespace tenon::safeguards {
namespace {

constexpr std::string_view header = R"({"alg":"HS256","typ":"JWT"})";
const std::string claims = R"({"sub":"alice","exp":1764652931})";  // in a minute

// "valid", or the code of the refusal.
std::string judged(const TokenVerifier& verifier, std::string_view token, Instant now = token_now) {
  const auto caller = verifier.verify_token(token, now);
  return caller ? "valid" : std::string(kind_of(caller.error().code).code);
}
std::string judged(std::string_view token) { return judged(TokenVerifier(token_secret), token); }

struct Case {
  std::string name;
  std::string text;
  std::string outcome;
};

TEST(ATokensHeader, IsOfExactlyOneAlgorithmAndNoExtension) {
  const Case cases[] = {
      {"as we write it", R"({"alg":"HS256","typ":"JWT"})", "valid"},
      {"other order and white space", R"( { "typ" : "JWT", "alg" : "HS256" } )", "valid"},
      {"no typ", R"({"alg":"HS256"})", "valid"},
      {"typ in lower case", R"({"alg":"HS256","typ":"jwt"})", "valid"},
      {"an access token", R"({"alg":"HS256","typ":"at+JWT"})", "valid"},
      {"a key id is only a name", R"({"alg":"HS256","kid":"../../etc/passwd"})", "valid"},
      {"key sources are not looked at", R"({"alg":"HS256","jku":"http://127.0.0.1:1/","x5u":"http://127.0.0.1:1/"})",
       "valid"},
      {"a key inside is not looked at", R"({"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"},"x5c":["AAAA"]})", "valid"},
      {"alg none", R"({"alg":"none","typ":"JWT"})", "token_invalid"},
      {"alg None", R"({"alg":"None"})", "token_invalid"},
      {"alg in lower case", R"({"alg":"hs256"})", "token_invalid"},
      {"alg HS512", R"({"alg":"HS512"})", "token_invalid"},
      {"alg RS256", R"({"alg":"RS256"})", "token_invalid"},
      {"alg ES256", R"({"alg":"ES256"})", "token_invalid"},
      {"no alg", R"({"typ":"JWT"})", "token_invalid"},
      {"alg null", R"({"alg":null})", "token_invalid"},
      {"alg a list", R"({"alg":["HS256"]})", "token_invalid"},
      {"alg twice", R"({"alg":"HS256","alg":"HS256"})", "token_invalid"},
      {"alg twice, once escaped", R"({"alg":"HS256","\u0061lg":"HS256"})", "token_invalid"},
      {"another typ", R"({"alg":"HS256","typ":"secevent+jwt"})", "token_invalid"},
      {"an empty typ", R"({"alg":"HS256","typ":""})", "token_invalid"},
      {"typ not a string", R"({"alg":"HS256","typ":1})", "token_invalid"},
      {"crit", R"({"alg":"HS256","crit":["exp"],"exp":1})", "token_invalid"},
      {"crit of b64", R"({"alg":"HS256","crit":["b64"],"b64":false})", "token_invalid"},
      {"an empty crit", R"({"alg":"HS256","crit":[]})", "token_invalid"},
      {"crit null", R"({"alg":"HS256","crit":null})", "token_invalid"},
      {"an array", R"(["HS256"])", "token_invalid"},
      {"not JSON", R"({"alg":"HS256")", "token_invalid"},
      {"empty", "", "token_invalid"},
  };
  for (const Case& one : cases) EXPECT_EQ(judged(signed_token(one.text, claims)), one.outcome) << one.name;
}

TEST(ATokensClaims, AreStrictlyTyped) {
  const std::string long_user(limits::subject_bytes_max, 'u');
  const Case cases[] = {
      {"the least", R"({"sub":"alice","exp":1764652931})", "valid"},
      {"all of them",
       R"({"sub":"alice","exp":1764652931,"nbf":1764652871,"iat":1764652871,"jti":"x","aud":"y","iss":"z"})", "valid"},
      {"claims we do not know", R"({"sub":"alice","exp":1764652931,"scope":["a",{"b":null}]})", "valid"},
      {"no exp", R"({"sub":"alice"})", "token_invalid"},
      {"exp null", R"({"sub":"alice","exp":null})", "token_invalid"},
      {"exp a string", R"({"sub":"alice","exp":"1764652931"})", "token_invalid"},
      {"exp a fraction", R"({"sub":"alice","exp":1764652931.5})", "token_invalid"},
      {"exp with an exponent", R"({"sub":"alice","exp":1764652931e0})", "token_invalid"},
      {"exp true", R"({"sub":"alice","exp":true})", "token_invalid"},
      {"exp at the end of year 9999", R"({"sub":"alice","exp":253402300799})", "valid"},
      {"exp in year 10000", R"({"sub":"alice","exp":253402300800})", "token_invalid"},
      {"exp of 2^53", R"({"sub":"alice","exp":9007199254740992})", "token_invalid"},
      {"exp of 2^63", R"({"sub":"alice","exp":9223372036854775808})", "token_invalid"},
      {"exp that overflows a double", R"({"sub":"alice","exp":1e400})", "token_invalid"},
      {"exp negative", R"({"sub":"alice","exp":-1})", "token_invalid"},
      {"exp twice", R"({"sub":"alice","exp":1,"exp":1764652931})", "token_invalid"},
      {"exp now", R"({"sub":"alice","exp":1764652871})", "token_expired"},
      {"exp in a second", R"({"sub":"alice","exp":1764652872})", "valid"},
      {"exp a second ago", R"({"sub":"alice","exp":1764652870})", "token_expired"},
      {"exp 0", R"({"sub":"alice","exp":0})", "token_expired"},
      {"nbf now", R"({"sub":"alice","exp":1764652931,"nbf":1764652871})", "valid"},
      {"nbf in a second", R"({"sub":"alice","exp":1764652931,"nbf":1764652872})", "token_not_yet_valid"},
      {"nbf a string", R"({"sub":"alice","exp":1764652931,"nbf":"1764652871"})", "token_invalid"},
      {"nbf null", R"({"sub":"alice","exp":1764652931,"nbf":null})", "token_invalid"},
      {"iat a fraction", R"({"sub":"alice","exp":1764652931,"iat":1764652871.25})", "token_invalid"},
      {"iat from a clock a little ahead", R"({"sub":"alice","exp":1764652941,"iat":1764652931})", "valid"},
      {"iat from the future", R"({"sub":"alice","exp":1764653931,"iat":1764652932})", "token_invalid"},
      {"expired and not yet valid", R"({"sub":"alice","exp":1764652870,"nbf":1764652900})", "token_not_yet_valid"},
      {"expired and without a user", R"({"exp":1764652870})", "token_invalid"},
      {"no sub", R"({"exp":1764652931})", "token_invalid"},
      {"sub empty", R"({"sub":"","exp":1764652931})", "token_invalid"},
      {"sub a number", R"({"sub":7,"exp":1764652931})", "token_invalid"},
      {"sub twice", R"({"sub":"alice","sub":"admin","exp":1764652931})", "token_invalid"},
      {"sub twice, once escaped", R"({"sub":"alice","s\u0075b":"admin","exp":1764652931})", "token_invalid"},
      {"sub with a line feed", R"({"sub":"al\nice","exp":1764652931})", "token_invalid"},
      {"sub with a NUL", R"({"sub":"al\u0000ice","exp":1764652931})", "token_invalid"},
      {"sub with an escape", R"({"sub":"al\u001bice","exp":1764652931})", "token_invalid"},
      {"sub with DEL", R"({"sub":"al\u007fice","exp":1764652931})", "token_invalid"},
      {"sub with a C1 control", R"({"sub":"al\u0085ice","exp":1764652931})", "token_invalid"},
      {"sub with a line separator", R"({"sub":"al\u2028ice","exp":1764652931})", "token_invalid"},
      {"sub with a paragraph separator", R"({"sub":"al\u2029ice","exp":1764652931})", "token_invalid"},
      {"sub in other scripts", R"({"sub":"\u00e9lo\u00efse \u4f60","exp":1764652931})", "valid"},
      {"sub as long as may be", R"({"sub":")" + long_user + R"(","exp":1764652931})", "valid"},
      {"sub longer", R"({"sub":")" + long_user + R"(u","exp":1764652931})", "token_invalid"},
      {"sub not UTF-8", "{\"sub\":\"al\xff\",\"exp\":1764652931}", "token_invalid"},
      {"sub a lone surrogate", R"({"sub":"\ud800","exp":1764652931})", "token_invalid"},
      {"role a number", R"({"sub":"alice","exp":1764652931,"role":1})", "token_invalid"},
      {"role a list", R"({"sub":"alice","exp":1764652931,"role":["admin"]})", "token_invalid"},
      {"roles a string", R"({"sub":"alice","exp":1764652931,"roles":"admin"})", "token_invalid"},
      {"roles not of strings", R"({"sub":"alice","exp":1764652931,"roles":["staff",1]})", "token_invalid"},
      {"an array", R"(["alice",1764652931])", "token_invalid"},
      {"more after it", R"({"sub":"alice","exp":1764652931}{})", "token_invalid"},
      {"not JSON", "alice", "token_invalid"},
      {"empty", "", "token_invalid"},
  };
  for (const Case& one : cases) EXPECT_EQ(judged(signed_token(header, one.text)), one.outcome) << one.name;
}

TEST(ATokensForm, IsThreePartsOfStrictBase64Url) {
  const std::string good = signed_token(header, claims);
  const std::string head = base64url(header);
  const std::string body = base64url(claims);
  const std::string signature = good.substr(good.rfind('.') + 1);
  const Case cases[] = {
      {"as it should be", good, "valid"},
      {"empty", "", "token_invalid"},
      {"dots", "..", "token_invalid"},
      {"one part", head, "token_invalid"},
      {"two parts", head + "." + body, "token_invalid"},
      {"no signature", head + "." + body + ".", "token_invalid"},
      {"four parts", good + "." + signature, "token_invalid"},
      {"five parts, as a JWE has", head + "." + body + "." + signature + "." + signature + "." + signature,
       "token_invalid"},
      {"a padded signature", good + "=", "token_invalid"},
      {"a signature cut short", good.substr(0, good.size() - 1), "token_invalid"},
      {"a longer signature", good + "AAAA", "token_invalid"},
      {"a signed padded header", signed_parts(head + "=", body), "token_invalid"},
      {"a signed padded body", signed_parts(head, body + "=="), "token_invalid"},
      {"a signed body in the other alphabet", signed_parts(head, body + "+/+/"), "token_invalid"},
      {"a signed body with white space", signed_parts(head, body + "\n"), "token_invalid"},
      {"a signed body of odd length", signed_parts(head, body.substr(0, body.size() - body.size() % 4 + 1)),
       "token_invalid"},
      {"a signed dot in the body", signed_parts(head, body + "." + body), "token_invalid"},
      {"a NUL", good + std::string(1, '\0'), "token_invalid"},
      {"white space before it", " " + good, "token_invalid"},
  };
  for (const Case& one : cases) EXPECT_EQ(judged(one.text), one.outcome) << one.name;
}

// The last base64url character of 32 bytes carries 4 bits of them and 2 that must be zero.
TEST(ATokensSignature, HasOneSpelling) {
  const std::string good = signed_token(header, claims);
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::size_t accepted = 0;
  for (const char last : alphabet) accepted += judged(good.substr(0, good.size() - 1) + last) == "valid" ? 1 : 0;
  EXPECT_EQ(accepted, 1U);
}

TEST(ATokensSignature, CoversEveryByteOfHeaderAndClaims) {
  const std::string good = signed_token(header, claims);
  ASSERT_EQ(judged(good), "valid");
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string changed = good;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_EQ(judged(changed), "token_invalid") << "byte " << at;
  }
}

TEST(ATokensSignature, IsByOurSecretWithOurAlgorithm) {
  const std::string other_secret = "another secret of thirty-two b..";
  EXPECT_EQ(judged(signed_token(header, claims, other_secret)), "token_invalid");
  EXPECT_EQ(judged(signed_token(header, claims, "")), "token_invalid");

  // A true HS512 token under our own secret.
  const std::string text = base64url(R"({"alg":"HS512"})") + "." + base64url(claims);
  std::array<std::uint8_t, 64> mac{};
  unsigned size = 0;
  HMAC(EVP_sha512(), token_secret.data(), static_cast<int>(token_secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size);
  EXPECT_EQ(judged(text + "." + base64url(as_text(mac))), "token_invalid");
  EXPECT_EQ(judged(text + "." + base64url(as_text(std::span(mac).first(32)))), "token_invalid");
}

// RFC 7515 appendix A.1, computed elsewhere: the verifier and our tests' signer could share a mistake.
TEST(ATokensSignature, IsTheOneThatRfc7515Computes) {
  const auto key =
      base64url_decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  ASSERT_TRUE(key);
  const std::string text =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
      ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
  const std::string mac = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  EXPECT_EQ(base64url(as_text(HmacSha256Key(*key)(text))), mac);
  // Its signature is right; it has no `sub`.
  const auto refused = TokenVerifier(*key).verify_token(text + "." + mac, token_now);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("`sub`"), std::string::npos) << refused.error().detail;
}

// A forger sees the same words whether the signature's first or last byte is wrong, or its length or alphabet, and
// whatever the claims say: they were not read.
TEST(AForgedToken, LearnsNothingFromItsRefusal) {
  const TokenVerifier verifier(token_secret);
  const std::string good = signed_token(header, claims);
  const std::size_t dot = good.rfind('.');
  std::string first = good;
  first[dot + 1] = first[dot + 1] == 'A' ? 'B' : 'A';
  std::string late = good;
  late[good.size() - 2] = late[good.size() - 2] == 'A' ? 'B' : 'A';
  const std::string forged_claims = base64url(header) + "." + base64url(R"({"exp":"x"})") + good.substr(dot);
  const std::string forged_none = base64url(R"({"alg":"none"})") + "." + base64url(claims) + good.substr(dot);
  const std::string expired = base64url(header) + "." + base64url(R"({"sub":"alice","exp":1})") + good.substr(dot);
  for (const std::string& token : {first, late, good.substr(0, dot + 1), good + "A", good + "=", good + "!",
                                   forged_claims, forged_none, expired}) {
    const auto refused = verifier.verify_token(token, token_now);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ProblemCode::token_invalid);
    EXPECT_EQ(refused.error().detail, "The token does not verify.") << token;
  }
}

TEST(ATokensLength, IsBounded) {
  const auto token_of = [&](std::size_t filling) {
    return signed_token(header, R"({"sub":"alice","exp":1764652931,"x":")" + std::string(filling, 'x') + "\"}");
  };
  const std::size_t empty_size = token_of(0).size();
  std::size_t filling = (limits::bearer_token_bytes_max - empty_size) * 3 / 4 - 3;
  while (token_of(filling + 1).size() <= limits::bearer_token_bytes_max) ++filling;
  EXPECT_EQ(judged(token_of(filling)), "valid");
  EXPECT_EQ(judged(token_of(filling + 1)), "token_invalid");
  EXPECT_EQ(judged(token_of(1024 * 1024)), "token_invalid");
  EXPECT_EQ(judged(std::string(1024 * 1024, '.')), "token_invalid");
}

TEST(ATokensRoles, AreThoseWeKnow) {
  struct RoleCase {
    std::string_view claim;
    Roles roles;
  };
  const Roles base = Role::authenticated;
  const RoleCase cases[] = {
      {R"()", base},
      {R"(,"role":"staff")", base | Role::staff},
      {R"(,"role":"admin")", base | Role::admin},
      {R"(,"role":"authenticated")", base},
      {R"(,"role":"")", base},
      {R"(,"role":"Admin")", base},
      {R"(,"role":"superuser")", base},
      {R"(,"roles":[])", base},
      {R"(,"roles":["auditor"])", base | Role::auditor},
      {R"(,"roles":["staff","owner","auditor"])", base | Role::staff | Role::auditor},
      {R"(,"role":"admin","roles":["staff"])", base | Role::staff | Role::admin},
      {R"(,"app_metadata":{"role":"admin"})", base},
  };
  const TokenVerifier verifier(token_secret);
  for (const RoleCase& one : cases) {
    const auto caller = verifier.verify_token(
        signed_token(header, R"({"sub":"alice","exp":1764652931)" + std::string(one.claim) + "}"), token_now);
    ASSERT_TRUE(caller) << one.claim;
    EXPECT_EQ(caller->roles, one.roles) << one.claim;
    EXPECT_EQ(caller->user, "alice");
    EXPECT_EQ(caller->expires, 1764652931);
  }
}

TEST(ATokensScope, IsAskedForWhenConfigured) {
  const Case cases[] = {
      {"both right", R"(,"iss":"us","aud":"tenon")", "valid"},
      {"one of several audiences", R"(,"iss":"us","aud":["other","tenon"])", "valid"},
      {"no issuer", R"(,"aud":"tenon")", "token_invalid"},
      {"another issuer", R"(,"iss":"them","aud":"tenon")", "token_invalid"},
      {"issuer not a string", R"(,"iss":["us"],"aud":"tenon")", "token_invalid"},
      {"no audience", R"(,"iss":"us")", "token_invalid"},
      {"another audience", R"(,"iss":"us","aud":"other")", "token_invalid"},
      {"only other audiences", R"(,"iss":"us","aud":["other"])", "token_invalid"},
      {"no audience in the list", R"(,"iss":"us","aud":[])", "token_invalid"},
      {"an audience that begins so", R"(,"iss":"us","aud":"tenon2")", "token_invalid"},
  };
  const TokenVerifier scoped(token_secret, {.issuer = "us", .audiences = {"tenon"}});
  const TokenVerifier any(token_secret);
  for (const Case& one : cases) {
    const std::string token = signed_token(header, R"({"sub":"alice","exp":1764652931)" + one.text + "}");
    EXPECT_EQ(judged(scoped, token), one.outcome) << one.name;
    EXPECT_EQ(judged(any, token), "valid") << one.name;
  }
}

TEST(ALeeway, MovesBothEndsOfATokensLife) {
  const TokenVerifier verifier(token_secret, {.leeway_seconds = 30});
  const auto at = [](std::int64_t seconds) { return Instant{std::chrono::seconds{seconds}}; };
  const std::string token = signed_token(header, R"({"sub":"alice","nbf":1000,"exp":2000})");
  EXPECT_EQ(judged(verifier, token, at(969)), "token_not_yet_valid");
  EXPECT_EQ(judged(verifier, token, at(970)), "valid");
  EXPECT_EQ(judged(verifier, token, at(2030) - std::chrono::microseconds{1}), "valid");
  EXPECT_EQ(judged(verifier, token, at(2030)), "token_expired");
  EXPECT_THROW(TokenVerifier(token_secret, {.leeway_seconds = -1}), std::invalid_argument);
  EXPECT_THROW(TokenVerifier(token_secret, {.leeway_seconds = INT64_MAX}), std::invalid_argument);
}

TEST(ASecret, HasItsLeastLength) {
  EXPECT_THROW(TokenVerifier(std::string(limits::secret_bytes_min - 1, 's')), std::invalid_argument);
  EXPECT_NO_THROW(TokenVerifier(std::string(limits::secret_bytes_min, 's')));
}

TEST(TheAuthorizationHeader, IsBearerAndOneToken) {
  const std::string token = signed_token(header, claims);
  struct HeaderCase {
    std::string name;
    Lines lines;
    std::string outcome;
  };
  const HeaderCase cases[] = {
      {"as it should be", {{"Authorization", "Bearer " + token}}, "valid"},
      {"the scheme in any case", {{"authorization", "bEARER " + token}}, "valid"},
      {"none", {{"Accept", "*/*"}}, "unauthenticated"},
      {"no header at all", {}, "unauthenticated"},
      {"empty", {{"Authorization", ""}}, "token_invalid"},
      {"only the scheme", {{"Authorization", "Bearer"}}, "token_invalid"},
      {"the scheme and a space", {{"Authorization", "Bearer "}}, "token_invalid"},
      {"no scheme", {{"Authorization", token}}, "token_invalid"},
      {"another scheme", {{"Authorization", "Basic " + token}}, "token_invalid"},
      {"a longer scheme", {{"Authorization", "Bearers " + token}}, "token_invalid"},
      {"two spaces", {{"Authorization", "Bearer  " + token}}, "token_invalid"},
      {"a tab", {{"Authorization", "Bearer\t" + token}}, "token_invalid"},
      {"something after it", {{"Authorization", "Bearer " + token + " x"}}, "token_invalid"},
      {"two in one line", {{"Authorization", "Bearer " + token + ", Bearer " + token}}, "token_invalid"},
      {"two lines", {{"Authorization", "Bearer " + token}, {"authorization", "Bearer " + token}}, "token_invalid"},
      {"quoted", {{"Authorization", "Bearer \"" + token + "\""}}, "token_invalid"},
      {"too long", {{"Authorization", "Bearer " + std::string(100'000, ' ')}}, "token_invalid"},
  };
  const TokenVerifier verifier(token_secret);
  for (const HeaderCase& one : cases) {
    RequestWith request(one.lines);
    const auto caller = verifier.verify(*request, token_now);
    EXPECT_EQ(caller ? "valid" : kind_of(caller.error().code).code, one.outcome) << one.name;
  }
}

TEST(AVerifier, ServesSeveralThreadsAndItsCopies) {
  const TokenVerifier verifier(token_secret);
  const std::string good = signed_token(header, claims);
  const std::string bad = signed_token(header, claims, std::string(32, 'x'));
  std::atomic<int> mistakes = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&mistakes, &good, &bad, copy = verifier] {
        for (int turn = 0; turn < 2'000; ++turn) {
          if (!copy.verify_token(good, token_now)) ++mistakes;
          if (copy.verify_token(bad, token_now)) ++mistakes;
        }
      });
    }
  }
  EXPECT_EQ(mistakes, 0);
}

}  // namespace
}  // namespace tenon::safeguards
