#include "safeguards/token_cache.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "support/signing_key.hpp"
#include "tokens.hpp"

namespace tenon::safeguards {
namespace {

constexpr TokenAlgorithm es256 = TokenAlgorithm::es256;

std::string judged(const TokenVerifier& verifier, std::string_view token, Instant now = token_now) {
  const auto caller = verifier.verify_token(token, now);
  return caller ? "valid" : std::string(kind_of(caller.error().code).code);
}
std::string token_with(std::string_view further) {
  return signed_token(R"({"alg":"HS256","typ":"JWT"})",
                      R"({"sub":"alice","exp":1764652931)" + std::string(further) + "}");
}
constexpr Instant later(std::int64_t seconds) { return token_now + std::chrono::seconds{seconds}; }

// Each token is asked for twice before anything changes, so that the second answer comes out of the cache.
void keep(const TokenVerifier& verifier, std::string_view token) {
  EXPECT_EQ(judged(verifier, token), "valid");
  EXPECT_EQ(judged(verifier, token), "valid");
}

TEST(AKeptToken, StillExpires) {
  const TokenVerifier verifier(token_secret);
  const std::string token = token_with("");
  keep(verifier, token);
  EXPECT_EQ(judged(verifier, token, later(59)), "valid");
  EXPECT_EQ(judged(verifier, token, later(60)), "token_expired");
  EXPECT_EQ(judged(verifier, token, later(60)), "token_expired");
}

TEST(AKeptToken, IsStillNotValidBeforeItsTime) {
  const TokenVerifier verifier(token_secret);
  const std::string token = token_with(R"(,"nbf":1764652871,"iat":1764652871)");
  keep(verifier, token);
  EXPECT_EQ(judged(verifier, token, later(-1)), "token_not_yet_valid");
  EXPECT_EQ(judged(verifier, token, later(-61)), "token_invalid") << "issued in the future";
}

TEST(AKeptToken, IsStillRevoked) {
  RevocationList list;
  const TokenVerifier verifier(TokenTrust{.secret = token_secret, .revoked = &list});
  const std::string by_id = token_with(R"(,"jti":"one")");
  const std::string by_user = token_with(R"(,"iat":1764652870)");
  keep(verifier, by_id);
  keep(verifier, by_user);
  Revocation change{.token_id = "one"};
  list.apply({&change, 1});
  EXPECT_EQ(judged(verifier, by_id), "token_revoked");
  EXPECT_EQ(judged(verifier, by_user), "valid");
  change = {.user = "alice", .issued_before = token_now};
  list.apply({&change, 1});
  EXPECT_EQ(judged(verifier, by_user), "token_revoked");
}

TEST(AKeptToken, GoesWithItsKey) {
  const test::SigningKey old_key(es256);
  const test::SigningKey new_key(es256);
  TokenKeyring ring;
  const auto hold = [&](const test::SigningKey& key) {
    auto keys = std::make_shared<TokenKeys>();
    keys->set_only({.algorithm = es256,
                    .id = {},
                    .verifier = {PublicKey::from_pem(key.public_pem()).value(), SignatureScheme::p256_sha256}});
    ring.replace(std::move(keys));
  };
  hold(old_key);
  const TokenVerifier verifier(TokenTrust{.secret = token_secret, .keys = &ring});
  const std::string token = old_key.token_of(R"({"sub":"alice","exp":1764652931})");
  keep(verifier, token);
  keep(verifier, token_with(""));
  hold(new_key);
  EXPECT_EQ(judged(verifier, token), "token_invalid");
  EXPECT_EQ(judged(verifier, token_with("")), "valid");
  hold(old_key);
  EXPECT_EQ(judged(verifier, token), "valid");
}

TEST(AKeptToken, IsTheWholeToken) {
  const TokenVerifier verifier(token_secret);
  const std::string token = token_with("");
  keep(verifier, token);
  for (std::size_t at = 0; at < token.size(); ++at) {
    std::string changed = token;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_EQ(judged(verifier, changed), "token_invalid") << at;
  }
  EXPECT_EQ(judged(verifier, token + "="), "token_invalid");
  EXPECT_EQ(judged(verifier, token.substr(0, token.size() - 1)), "token_invalid");
}

std::shared_ptr<const TokenClaims> claims_of(std::string user) {
  return std::make_shared<const TokenClaims>(
      TokenClaims{.caller = {.user = std::move(user), .roles = {}}, .token_id = {}, .issued = {}, .not_before = {}});
}

TEST(TheCache, HoldsSoManyTokensOfEachThreadAndNoMore) {
  TokenCache cache;
  for (std::size_t i = 0; i < 50'000; ++i) cache.keep("token " + std::to_string(i), 0, claims_of("u"));
  EXPECT_LE(cache.size(), TokenCache::tokens_per_thread);
  EXPECT_GT(cache.size(), TokenCache::tokens_per_thread * 9 / 10);
  std::jthread([&] {
    for (std::size_t i = 0; i < 50'000; ++i) cache.keep("token " + std::to_string(i), 0, claims_of("u"));
  }).join();
  EXPECT_LE(cache.size(), 2 * TokenCache::tokens_per_thread);
}

TEST(TheCache, KeepsNoTokenThatIsTooLargeAndNoneThatIsFalse) {
  TokenCache cache;
  cache.keep(std::string(TokenCache::token_bytes_max + 1, 't'), 0, claims_of("u"));
  cache.keep("", 0, claims_of("u"));
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_FALSE(cache.find("", 0));
  const std::string largest(TokenCache::token_bytes_max, 't');
  cache.keep(largest, 0, claims_of("u"));
  EXPECT_TRUE(cache.find(largest, 0));
}

TEST(TheCache, GivesUpTheOlderOfTwoThatShareAPlace) {
  TokenCache cache;
  cache.keep("often", 0, claims_of("u"));
  for (std::size_t i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(cache.find("often", 0)) << i;
    cache.keep("once " + std::to_string(i), 0, claims_of("u"));
  }
}

TEST(TheCache, TellsWhatWasKeptUnderTheKeysOfTheMoment) {
  TokenCache cache;
  cache.keep("token", 1, claims_of("ann"));
  EXPECT_FALSE(cache.find("token", 2));
  ASSERT_TRUE(cache.find("token", 1));
  EXPECT_EQ(cache.find("token", 1)->caller.user, "ann");
  EXPECT_FALSE(cache.find("other", 1));
}

}  // namespace
}  // namespace tenon::safeguards
