#include "safeguards/revocations.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "safeguards/caller.hpp"
#include "tokens.hpp"

namespace tenon::safeguards {
namespace {

constexpr Instant at(std::int64_t microseconds) { return Instant{std::chrono::microseconds{microseconds}}; }
constexpr Instant second(std::int64_t seconds) { return at(seconds * 1'000'000); }

Revocation of_token(std::string id, std::optional<Instant> expires = {}) {
  return {.token_id = std::move(id), .expires = expires};
}
Revocation of_user(std::string user, Instant before) { return {.user = std::move(user), .issued_before = before}; }

class Revocations : public testing::Test {
 protected:
  bool revoked(std::string_view user, std::string_view token_id, std::optional<std::int64_t> issued,
               std::int64_t leeway = 0, Instant now = second(1'000)) const {
    return list_.revoked({.user = user, .token_id = token_id, .issued = issued}, leeway, now);
  }
  void apply(const Revocation& change) { list_.apply({&change, 1}); }
  RevocationList list_;
};

TEST_F(Revocations, AreNoneAtFirst) {
  EXPECT_FALSE(revoked("ann", "t1", 5));
  EXPECT_EQ(list_.size(), 0U);
}

TEST_F(Revocations, OfATokenConcernThatTokenAlone) {
  apply(of_token("t1"));
  EXPECT_TRUE(revoked("ann", "t1", 5));
  EXPECT_TRUE(revoked("bob", "t1", std::nullopt));
  EXPECT_FALSE(revoked("ann", "t2", 5));
  EXPECT_FALSE(revoked("t1", "", 5)) << "a user of that name";
}

TEST_F(Revocations, OfAUserConcernWhatWasIssuedBeforeTheInstant) {
  apply(of_user("ann", at(100'500'000)));  // in the middle of second 100
  EXPECT_TRUE(revoked("ann", "", 99));
  EXPECT_TRUE(revoked("ann", "", 100)) << "said in whole seconds: it may have been before";
  EXPECT_FALSE(revoked("ann", "", 101));
  EXPECT_TRUE(revoked("ann", "", std::nullopt)) << "it does not say when";
  EXPECT_FALSE(revoked("bob", "", 99));
  EXPECT_FALSE(revoked("bob", "ann", 99)) << "a token of that name";
  apply(of_user("carl", second(100)));
  EXPECT_TRUE(revoked("carl", "", 99));
  EXPECT_FALSE(revoked("carl", "", 100)) << "at the instant is not before it";
}

TEST_F(Revocations, CountTheLeewayAgainstTheToken) {
  apply(of_user("ann", second(100)));
  EXPECT_TRUE(revoked("ann", "", 129, 30));
  EXPECT_FALSE(revoked("ann", "", 130, 30));
  apply(of_token("t1", second(1'000)));
  EXPECT_TRUE(revoked("bob", "t1", 5, 30, second(1'029))) << "as long as the token is still taken";
  EXPECT_FALSE(revoked("bob", "t1", 5, 30, second(1'030)));
}

TEST_F(Revocations, AreMovedAndLiftedByALaterWord) {
  apply(of_user("ann", second(100)));
  apply(of_user("ann", second(200)));
  EXPECT_TRUE(revoked("ann", "", 150));
  EXPECT_EQ(list_.size(), 1U);
  Revocation lifted = of_user("ann", second(200));
  lifted.lifted = true;
  apply(lifted);
  EXPECT_FALSE(revoked("ann", "", 150));
  apply(of_token("t1"));
  Revocation token_lifted = of_token("t1");
  token_lifted.lifted = true;
  apply(token_lifted);
  apply(token_lifted);
  EXPECT_FALSE(revoked("ann", "t1", 150));
  EXPECT_EQ(list_.size(), 0U);
}

TEST_F(Revocations, AreForgottenOnceTheTokenHasEnded) {
  for (int i = 0; i < 1'000; ++i) apply(of_token("t" + std::to_string(i), second(i)));
  apply(of_token("for ever"));
  EXPECT_EQ(list_.size(), 1'001U);
  list_.forget_expired(second(600));
  EXPECT_EQ(list_.size(), 401U);
  EXPECT_TRUE(revoked("ann", "for ever", 1));
  list_.clear();
  EXPECT_EQ(list_.size(), 0U);
  EXPECT_FALSE(revoked("ann", "for ever", 1));
}

TEST_F(Revocations, AreReadWhileTheyChange) {
  std::atomic<bool> done = false;
  std::atomic<int> mistakes = 0;
  apply(of_token("always"));
  {
    std::vector<std::jthread> readers;
    for (int thread = 0; thread < 3; ++thread) {
      readers.emplace_back([&] {
        while (!done) {
          if (!revoked("ann", "always", 1) || revoked("ann", "never", 1)) ++mistakes;
        }
      });
    }
    for (int i = 0; i < 5'000; ++i) apply(of_token("t" + std::to_string(i)));
    done = true;
  }
  EXPECT_EQ(mistakes, 0);
}

TEST(AVerifier, TellsARevokedTokenOnlyWhenItHasNoOtherFault) {
  RevocationList list;
  const TokenVerifier verifier(TokenTrust{.secret = token_secret, .revoked = &list});
  const std::string token =
      signed_token(R"({"alg":"HS256"})", R"({"sub":"alice","exp":1764652931,"iat":1764652800,"jti":"one"})");
  const std::string expired =
      signed_token(R"({"alg":"HS256"})", R"({"sub":"alice","exp":1764652800,"iat":1764652700,"jti":"one"})");
  EXPECT_TRUE(verifier.verify_token(token, token_now));
  const Revocation one = of_token("one");
  list.apply({&one, 1});
  EXPECT_EQ(verifier.verify_token(token, token_now).error().code, ProblemCode::token_revoked);
  EXPECT_EQ(verifier.verify_token(expired, token_now).error().code, ProblemCode::token_expired);
  EXPECT_EQ(verifier.verify_token(token.substr(0, token.size() - 2) + "AA", token_now).error().code,
            ProblemCode::token_invalid);
}

}  // namespace
}  // namespace tenon::safeguards
