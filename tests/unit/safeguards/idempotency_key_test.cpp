#include <gtest/gtest.h>

#include <set>

#include "base/limits.hpp"
#include "request_with.hpp"
#include "safeguards/idempotency/key.hpp"

namespace tenon::safeguards {
namespace {

struct Case {
  std::string value;
  std::string key;  // empty: malformed
};

const std::string longest(limits::idempotency_key_bytes_max, 'k');

TEST(AnIdempotencyKey, IsAStringOrTheSameTextBare) {
  std::string escaped = "\"";
  for (std::size_t at = 0; at < longest.size(); ++at) escaped += "\\\"";
  const Case cases[] = {
      {"abc", "abc"},
      {R"("abc")", "abc"},
      {"a", "a"},
      {"8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"},
      {"a=b", "a=b"},
      {"!#$%&'()*+-./:<=>?@[]^_`{|}~", "!#$%&'()*+-./:<=>?@[]^_`{|}~"},
      {"?1", "?1"},
      {":YWJj:", ":YWJj:"},
      {"12", "12"},
      {"(a)", "(a)"},
      {R"("a b")", "a b"},
      {R"(" ")", " "},
      {R"("a,b;c")", "a,b;c"},
      {R"("a\"b\\c")", R"(a"b\c)"},
      {R"("abc"  )", "abc"},
      {longest, longest},
      {"\"" + longest + "\"", longest},
      {escaped + "\"", std::string(longest.size(), '"')},
      {"", ""},
      {R"("")", ""},
      {longest + "k", ""},
      {"\"" + longest + "k\"", ""},
      {escaped + "\\\"\"", ""},
      {"\"" + std::string(1'000'000, 'k') + "\"", ""},
      {std::string(1'000'000, 'k'), ""},
      {R"("abc)", ""},
      {R"(abc")", ""},
      {R"(a"b"c)", ""},
      {R"("abc"x)", ""},
      {R"("a"b")", ""},
      {R"("abc\")", ""},
      {R"("a\bc")", ""},
      {R"(a\b)", ""},
      {R"("abc", "def")", ""},
      {R"("abc",)", ""},
      {R"("abc" "def")", ""},
      {"abc, def", ""},
      {"abc,def", ""},
      {R"("abc";a=1)", ""},
      {R"("abc";a)", ""},
      {"abc;a=1", ""},
      {"abc def", ""},
      {" abc", ""},
      {"abc ", ""},
      {"a\tb", ""},
      {"\"a\tb\"", ""},
      {"\"abc\"\t", ""},
      {"a\nb", ""},
      {"\"a\r\nb\"", ""},
      {std::string("a\0b", 3), ""},
      {std::string("\"a\0b\"", 5), ""},
      {"a\x1b", ""},
      {"a\x7f", ""},
      {"\"a\x7f\"", ""},
      {"caf\xc3\xa9", ""},
      {"\"caf\xc3\xa9\"", ""},
      {"%\"caf%c3%a9\"", ""},
      {"a\xe2\x80\xa8", ""},
  };
  for (const Case& one : cases) {
    const auto key = parse_idempotency_key(one.value);
    if (one.key.empty()) {
      ASSERT_FALSE(key) << one.value;
      EXPECT_EQ(key.error().code, ProblemCode::idempotency_key_malformed) << one.value;
      EXPECT_FALSE(key.error().detail.empty());
    } else {
      ASSERT_TRUE(key) << one.value;
      EXPECT_EQ(*key, one.key) << one.value;
    }
  }
}

TEST(AnIdempotencyKey, IsTheOnlyOneOfItsRequest) {
  const auto outcome = [](Lines lines) -> std::string {
    RequestWith request(std::move(lines));
    const auto key = idempotency_key(*request);
    if (!key) return std::string(kind_of(key.error().code).code);
    return *key ? **key : "none";
  };
  const char* const name = "Idempotency-Key";
  EXPECT_EQ(outcome({}), "none");
  EXPECT_EQ(outcome({{"Host", "x"}}), "none");
  EXPECT_EQ(outcome({{"X-Idempotency-Key", "abc"}}), "none");
  EXPECT_EQ(outcome({{name, "abc"}}), "abc");
  EXPECT_EQ(outcome({{"idempotency-KEY", "\"abc\""}}), "abc");
  EXPECT_EQ(outcome({{name, ""}}), "idempotency_key_malformed");
  EXPECT_EQ(outcome({{name, "abc"}, {name, "abc"}}), "idempotency_key_malformed");
  EXPECT_EQ(outcome({{name, "abc"}, {"Host", "x"}, {"idempotency-key", "def"}}), "idempotency_key_malformed");
  EXPECT_EQ(outcome({{name, ""}, {name, ""}}), "idempotency_key_malformed");
  EXPECT_EQ(outcome({{name, "abc, def"}}), "idempotency_key_malformed");
}

TEST(AClaim, IsOfItsScopeUserAndKey) {
  std::set<Uuid> claims;
  const std::string_view words[] = {"", "a", "b", "ab", "aa", "aab", "ba"};
  for (const auto scope : words) {
    for (const auto user : words) {
      for (const auto key : words) claims.insert(claim_of(scope, user, key));
    }
  }
  EXPECT_EQ(claims.size(), 7U * 7U * 7U);
  EXPECT_EQ(claim_of("inventory", "alice", "k1"), claim_of("inventory", "alice", "k1"));
}

// Nodes of two releases share one table: the claim of a key never changes.
TEST(AClaim, IsStoredAsItAlwaysWas) {
  EXPECT_EQ(claim_of("inventory", "alice", "k1").text(), "b327fe2a-971f-4ea5-cbab-d742521526c5");
}

}  // namespace
}  // namespace tenon::safeguards
