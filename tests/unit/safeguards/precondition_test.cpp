#include <gtest/gtest.h>

#include "request_with.hpp"
#include "safeguards/precondition/token.hpp"

namespace tenon::safeguards {
namespace {

// What the tokens say, as the SQL side gets it; "none", or the refusal's code.
std::string read(const Lines& lines, std::string_view body_text = {}) {
  RequestWith request(lines);
  std::optional<json::Value> body;
  if (!body_text.empty()) {
    auto parsed = json::parse(body_text);
    EXPECT_TRUE(parsed) << body_text;
    if (!parsed) return "not JSON";
    body = *std::move(parsed);
  }
  const auto precondition = read_precondition(*request, body ? &*body : nullptr);
  if (!precondition) {
    EXPECT_FALSE(precondition.error().detail.empty());
    return std::string(kind_of(precondition.error().code).code);
  }
  EXPECT_EQ(precondition->empty(), as_json(*precondition).empty());
  return precondition->empty() ? "none" : as_json(*precondition);
}

const std::string malformed = "precondition_malformed";
std::string version(std::string_view n) {
  return R"({"versions":[)" + std::string(n) + R"(],"dates":[],"exists":false})";
}
std::string date(std::string_view at, std::string_view grain) {
  return R"({"versions":[],"dates":[{"at":")" + std::string(at) + R"(","grain":)" + std::string(grain) +
         R"(}],"exists":false})";
}
const std::string anything = R"({"versions":[],"dates":[],"exists":true})";

struct Case {
  std::string value;
  std::string outcome;
};

TEST(IfMatchVersion, IsOneVersion) {
  const Case cases[] = {
      {"1", version("1")},
      {"3", version("3")},
      {"9007199254740991", version("9007199254740991")},
      {"9007199254740992", malformed},
      {"9223372036854775808", malformed},
      {"99999999999999999999999999", malformed},
      {"0", malformed},
      {"-1", malformed},
      {"+3", malformed},
      {"03", malformed},
      {"3.0", malformed},
      {"3e0", malformed},
      {"0x3", malformed},
      {"3 ", malformed},
      {"3, 4", malformed},
      {"3,3", malformed},
      {"v3", malformed},
      {"\"3\"", malformed},
      {"*", malformed},
      {"null", malformed},
      {"", malformed},
      {std::string("3\0", 2), malformed},
      {"\xd9\xa3", malformed},  // an Arabic-Indic three
  };
  for (const Case& one : cases) EXPECT_EQ(read({{"If-Match-Version", one.value}}), one.outcome) << one.value;
}

TEST(IfMatch, IsOneTagOrAnyVersion) {
  const Case cases[] = {
      {R"("v3")", version("3")},
      {R"(W/"v3")", version("3")},
      {"*", anything},
      {R"("v9007199254740991")", version("9007199254740991")},
      {R"("v9007199254740992")", malformed},
      {R"("v0")", malformed},
      {R"("v-3")", malformed},
      {R"("v03")", malformed},
      {R"("v3.0")", malformed},
      {R"("v")", malformed},
      {R"("V3")", malformed},
      {R"("3")", malformed},
      {"v3", malformed},
      {"3", malformed},
      {R"("v3)", malformed},
      {R"(v3")", malformed},
      {R"("v3""v3")", malformed},
      {R"(w/"v3")", malformed},
      {R"(W/ "v3")", malformed},
      {R"(W/W/"v3")", malformed},
      {"W/*", malformed},
      {"W/", malformed},
      {R"("*")", malformed},
      {R"("v3", "v4")", malformed},
      {R"("v3", "v3")", malformed},
      {R"("v3",)", malformed},
      {R"(*, "v3")", malformed},
      {"**", malformed},
      {R"("v")", malformed},
      {"\"", malformed},
      {"\"\"", malformed},
      {"", malformed},
      {R"("d41d8cd98f00b204e9800998ecf8427e")", malformed},
  };
  for (const Case& one : cases) EXPECT_EQ(read({{"If-Match", one.value}}), one.outcome) << one.value;
}

TEST(IfUnmodifiedSince, IsADateWithItsGrain) {
  const Case cases[] = {
      {"Tue, 02 Dec 2025 05:21:11 GMT", date("2025-12-02T05:21:11.000000Z", "1000000")},
      {"2025-12-02T05:21:11Z", date("2025-12-02T05:21:11.000000Z", "1000000")},
      {"2025-12-02T05:21:11.123Z", date("2025-12-02T05:21:11.123000Z", "1000")},
      {"2025-12-02T05:21:11.123456Z", date("2025-12-02T05:21:11.123456Z", "1")},
      {"2025-12-02T07:21:11+02:00", date("2025-12-02T05:21:11.000000Z", "1000000")},
      {"0001-01-01T00:00:00Z", date("0001-01-01T00:00:00.000000Z", "1000000")},
      {"9999-12-31T23:59:59.999999Z", date("9999-12-31T23:59:59.999999Z", "1")},
      {"0001-01-01T00:00:00+01:00", malformed},  // in the year before the first
      {"0000-06-01T00:00:00Z", malformed},
      {"9999-12-31T23:59:59-01:00", malformed},
      {"Mon, 02 Dec 2025 05:21:11 GMT", malformed},  // it was a Tuesday
      {"Tue, 02 Dec 2025 05:21:11 UTC", malformed},
      {"Tue, 02 Dec 2025 05:21:11", malformed},
      {"Tuesday, 02-Dec-25 05:21:11 GMT", malformed},
      {"Tue Dec  2 05:21:11 2025", malformed},
      {"2025-12-02T05:21:11", malformed},
      {"2025-12-02", malformed},
      {"2025-02-30T00:00:00Z", malformed},
      {"2025-12-02T25:00:00Z", malformed},
      {"1764652871", malformed},
      {"yesterday", malformed},
      {"*", malformed},
      {"", malformed},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(read({{"If-Unmodified-Since", one.value}}), one.outcome) << one.value;
    EXPECT_EQ(read({}, R"({"ifUnmodifiedSince":")" + one.value + "\"}"), one.outcome) << one.value;
  }
}

TEST(ABodysTokens, AreStrictlyTyped) {
  const Case cases[] = {
      {R"({"version":3})", version("3")},
      {R"({"version":9007199254740991})", version("9007199254740991")},
      {R"({"version":0})", malformed},
      {R"({"version":-1})", malformed},
      {R"({"version":-0})", malformed},
      {R"({"version":3.0})", malformed},
      {R"({"version":3e0})", malformed},
      {R"({"version":1e300})", malformed},
      {R"({"version":"3"})", malformed},
      {R"({"version":null})", malformed},
      {R"({"version":true})", malformed},
      {R"({"version":[3]})", malformed},
      {R"({"version":{}})", malformed},
      {R"({"ifUnmodifiedSince":null})", malformed},
      {R"({"ifUnmodifiedSince":1764652871})", malformed},
      {R"({"ifUnmodifiedSince":["2025-12-02T05:21:11Z"]})", malformed},
      {R"({"ifUnmodifiedSince":"2025-12-02T05:21:11\u0000Z"})", malformed},
      {R"({"version":3,"ifUnmodifiedSince":"soon"})", malformed},
      {R"({"quantity":3})", "none"},
      {R"({"Version":3,"if_unmodified_since":"x"})", "none"},
      {R"({"nested":{"version":"x"}})", "none"},
      {R"({})", "none"},
      {R"([{"version":"x"}])", "none"},
      {R"("version")", "none"},
      {"null", "none"},
  };
  for (const Case& one : cases) EXPECT_EQ(read({}, one.value), one.outcome) << one.value;
  EXPECT_EQ(read({}), "none");
}

TEST(SeveralTokens, AreAllKept) {
  EXPECT_EQ(read({{"If-Match-Version", "3"}, {"if-match", "W/\"v4\""}, {"IF-UNMODIFIED-SINCE", "2025-12-02T05:21:11Z"}},
                 R"({"version":5,"ifUnmodifiedSince":"2025-12-02T05:21:12.5Z"})"),
            R"({"versions":[3,4,5],"dates":[{"at":"2025-12-02T05:21:11.000000Z","grain":1000000},)"
            R"({"at":"2025-12-02T05:21:12.500000Z","grain":1000}],"exists":false})");
  EXPECT_EQ(read({{"If-Match", "*"}}, R"({"version":5})"), R"({"versions":[5],"dates":[],"exists":true})");
}

TEST(OneBadToken, SpoilsTheGoodOnes) {
  const Lines good = {
      {"If-Match-Version", "3"}, {"If-Match", "\"v3\""}, {"If-Unmodified-Since", "2025-12-02T05:21:11Z"}};
  const std::string body = R"({"version":3,"ifUnmodifiedSince":"2025-12-02T05:21:11Z"})";
  ASSERT_NE(read(good, body), malformed);
  for (std::size_t at = 0; at < good.size(); ++at) {
    Lines lines = good;
    lines[at].second = "x";
    EXPECT_EQ(read(lines, body), malformed) << good[at].first;
    lines[at].second = "";
    EXPECT_EQ(read(lines, body), malformed) << good[at].first;
    lines = good;
    lines.push_back(good[at]);  // the same again
    EXPECT_EQ(read(lines, body), malformed) << good[at].first;
  }
  EXPECT_EQ(read(good, R"({"version":null})"), malformed);
  EXPECT_EQ(read(good, R"({"ifUnmodifiedSince":null})"), malformed);
}

TEST(OnlyStandardHeaders, AskForTheirOwnStatus) {
  const auto standard = [](const Lines& lines, std::string_view body_text) {
    RequestWith request(lines);
    const auto body = json::parse(body_text);
    return read_precondition(*request, &*body).value().from_standard_header;
  };
  EXPECT_FALSE(standard({}, "{}"));
  EXPECT_FALSE(standard({{"If-Match-Version", "3"}}, R"({"version":3,"ifUnmodifiedSince":"2025-12-02T05:21:11Z"})"));
  EXPECT_TRUE(standard({{"If-Match", "\"v3\""}}, "{}"));
  EXPECT_TRUE(standard({{"If-Match", "*"}}, "{}"));
  EXPECT_TRUE(standard({{"If-Unmodified-Since", "2025-12-02T05:21:11Z"}}, R"({"version":3})"));
}

TEST(TheAcceptedTokens, AreAllNamed) {
  const std::string text = accepted_tokens();
  for (const std::string_view token :
       {"If-Match-Version", "If-Match:", "If-Unmodified-Since", "`version`", "`ifUnmodifiedSince`"}) {
    EXPECT_NE(text.find(token), std::string::npos) << token;
  }
}

TEST(TheAcceptedTokens, OfARequestWithoutABodyAreTheHeadersAlone) {
  const std::string text = accepted_tokens(false);
  EXPECT_NE(text.find("If-Match-Version"), std::string::npos);
  EXPECT_NE(text.find("If-Unmodified-Since"), std::string::npos);
  EXPECT_EQ(text.find("`version`"), std::string::npos);
}

TEST(ADateTokenOfAnotherName, IsReadLikeTheOthers) {
  const Case cases[] = {
      {R"({})", "none"},
      {R"({"facilityUpdatedAt":"2025-12-02T05:21:11.123Z"})", date("2025-12-02T05:21:11.123000Z", "1000")},
      {R"({"facilityUpdatedAt":"Tue, 02 Dec 2025 05:21:11 GMT"})", date("2025-12-02T05:21:11.000000Z", "1000000")},
      {R"({"facilityUpdatedAt":"soon"})", malformed},
      {R"({"facilityUpdatedAt":null})", malformed},
      {R"({"facilityUpdatedAt":1764652871})", malformed},
  };
  for (const Case& one : cases) {
    const auto body = json::parse(one.value);
    Precondition precondition;
    const auto refused = add_date_token(*body->object(), "facilityUpdatedAt", precondition);
    const std::string found = refused                ? std::string(kind_of(refused->code).code)
                              : precondition.empty() ? "none"
                                                     : as_json(precondition);
    EXPECT_EQ(found, one.outcome) << one.value;
    EXPECT_FALSE(precondition.from_standard_header);
  }
}

}  // namespace
}  // namespace tenon::safeguards
