#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "safeguards/caller.hpp"
#include "tokens.hpp"

namespace tenon::safeguards {
namespace {

TEST(AnIssuedToken, IsAcceptedWithTheRolesItWasGiven) {
  const TokenVerifier verifier(token_secret);
  for (unsigned bits = 0; bits < 8; ++bits) {
    Roles roles = Role::authenticated;
    if ((bits & 1U) != 0) roles = roles | Role::staff;
    if ((bits & 2U) != 0) roles = roles | Role::admin;
    if ((bits & 4U) != 0) roles = roles | Role::auditor;
    const auto caller = verifier.verify_token(issue_token(token_secret, "alice", roles, token_now, 60), token_now);
    ASSERT_TRUE(caller);
    EXPECT_EQ(caller->user, "alice");
    EXPECT_EQ(caller->roles, roles);
    EXPECT_EQ(caller->expires, token_now_seconds + 60);
  }
}

TEST(AnIssuedToken, EndsWithItsLifetime) {
  const TokenVerifier verifier(token_secret);
  const std::string token = issue_token(token_secret, "alice", Role::admin, token_now, 60);
  EXPECT_TRUE(verifier.verify_token(token, token_now + std::chrono::seconds{59}));
  const auto late = verifier.verify_token(token, token_now + std::chrono::seconds{60});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ProblemCode::token_expired);

  const auto stillborn = verifier.verify_token(issue_token(token_secret, "alice", {}, token_now, -5), token_now);
  ASSERT_FALSE(stillborn);
  EXPECT_EQ(stillborn.error().code, ProblemCode::token_expired);
}

TEST(AnIssuedToken, KeepsAnyUserThatMayBeOne) {
  for (const std::string user : {"\"quoted\\\"", "a/b?c#d", "\xc3\xa9lo\xc3\xafse", " "}) {
    const auto caller =
        TokenVerifier(token_secret).verify_token(issue_token(token_secret, user, {}, token_now, 60), token_now);
    ASSERT_TRUE(caller) << user;
    EXPECT_EQ(caller->user, user);
  }
}

TEST(AnIssuedToken, IsNotMadeForWhatTheVerifierWouldRefuse) {
  const auto issue = [](std::string_view secret, std::string_view user, std::int64_t lifetime) {
    return issue_token(secret, user, Role::staff, token_now, lifetime);
  };
  EXPECT_THROW((void)issue("short", "alice", 60), std::invalid_argument);
  EXPECT_THROW((void)issue(token_secret, "", 60), std::invalid_argument);
  EXPECT_THROW((void)issue(token_secret, std::string(limits::subject_bytes_max + 1, 'u'), 60), std::invalid_argument);
  EXPECT_THROW((void)issue(token_secret, "al\nice", 60), std::invalid_argument);
  EXPECT_THROW((void)issue(token_secret, "al\xff", 60), std::invalid_argument);
  EXPECT_THROW((void)issue(token_secret, "alice", 300'000'000'000), std::invalid_argument);
  EXPECT_THROW((void)issue(token_secret, "alice", INT64_MAX), std::invalid_argument);
}

TEST(ARole, HasOneName) {
  for (const Role role : {Role::authenticated, Role::staff, Role::admin, Role::auditor}) {
    EXPECT_EQ(role_named(name_of(role)), role);
  }
  EXPECT_EQ(role_named("root"), std::nullopt);
  EXPECT_EQ(role_named(""), std::nullopt);
  EXPECT_EQ(role_named("ADMIN"), std::nullopt);
}

TEST(TheLeadingRole, IsTheMostPowerful) {
  const Roles base = Role::authenticated;
  EXPECT_EQ(leading_name({}), "");
  EXPECT_EQ(leading_name(base), "authenticated");
  EXPECT_EQ(leading_name(base | Role::staff), "staff");
  EXPECT_EQ(leading_name(base | Role::staff | Role::auditor), "auditor");
  EXPECT_EQ(leading_name(base | Role::staff | Role::auditor | Role::admin), "admin");
}

TEST(AChallenge, NamesTheErrorOfRfc6750) {
  EXPECT_EQ(www_authenticate(ProblemCode::unauthenticated), R"(Bearer realm="tenon")");
  EXPECT_EQ(www_authenticate(ProblemCode::token_invalid),
            R"(Bearer realm="tenon", error="invalid_token", error_description="The access token is not valid")");
  EXPECT_EQ(www_authenticate(ProblemCode::token_expired),
            R"(Bearer realm="tenon", error="invalid_token", error_description="The access token expired")");
  EXPECT_EQ(www_authenticate(ProblemCode::forbidden), R"(Bearer realm="tenon", error="insufficient_scope")");
}

}  // namespace
}  // namespace tenon::safeguards
