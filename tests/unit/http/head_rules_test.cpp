#include "http/head_rules.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.hpp"

namespace tenon::http {
namespace {

TEST(OriginForm, IsAnAbsolutePathInVisibleAscii) {
  for (const auto* good : {"/", "/a/b?c=d&e", "/%00", "/a?b?c", "//", "/~a/'()*"})
    EXPECT_TRUE(is_origin_form(good)) << good;
  for (const auto* bad : {"", "*", "a", "http://h/", "h:443", "/a#b", "/a b", "/\x7f", "/\x01", "/\xc3\xa4",
                          "/eight or more", "/eight#ormore", "/eightormore\x7f"})
    EXPECT_FALSE(is_origin_form(bad)) << bad;
}

TEST(Host, IsANameOrAddressWithAnOptionalPort) {
  for (const auto* good : {"a", "example.org", "example.org:8080", "example.org:", "127.0.0.1:1", "[::1]", "[::1]:80",
                           "x_y", "a%20b", "h:65535"})
    EXPECT_TRUE(is_host(good)) << good;
  for (const auto* bad : {"", ":80", "a b", "a/b", "a@b", "a:b", "a:1:2", "a:65536", "a:-1", "a?b", "a#b", "[::1", "[]",
                          "[::1]x", "[::1]80", "[gg]", "a,b", "\xc3\xa4"})
    EXPECT_FALSE(is_host(bad)) << bad;
}

TEST(RequestId, IsUpTo128PlainCharacters) {
  EXPECT_TRUE(is_request_id("a"));
  EXPECT_TRUE(is_request_id("AZaz09._~:+/=-"));
  EXPECT_TRUE(is_request_id(std::string(128, 'x')));
  for (const auto& bad : {std::string(), std::string(129, 'x'), std::string("a b"), std::string("a\"b"),
                          std::string("\xc3\xa4"), std::string("a{b")})
    EXPECT_FALSE(is_request_id(bad)) << bad;
}

struct Case {
  std::string_view why;
  std::vector<Header> headers;  // besides Host, for 1.1
  int version;
  std::optional<ProblemCode> refusal;
};

TEST(Judge, RefusesWhatCouldBeFramedInTwoWays) {
  constexpr auto malformed = ProblemCode::malformed_request;
  constexpr auto unknown = ProblemCode::not_implemented;
  const Case cases[] = {
      {"plain", {}, 11, {}},
      {"chunked", {{"Transfer-Encoding", "chunked"}}, 11, {}},
      {"chunked in any case", {{"transfer-encoding", "ChunKed"}}, 11, {}},
      {"a length", {{"Content-Length", "5"}}, 11, {}},
      {"a length in 1.0", {{"Content-Length", "5"}}, 10, {}},
      {"chunked in 1.0", {{"Transfer-Encoding", "chunked"}}, 10, malformed},
      {"both", {{"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}}, 11, malformed},
      {"both, unknown coding", {{"Transfer-Encoding", "gzip"}, {"Content-Length", "5"}}, 11, malformed},
      {"two codings lines", {{"Transfer-Encoding", "gzip"}, {"Transfer-Encoding", "chunked"}}, 11, malformed},
      {"chunked twice", {{"Transfer-Encoding", "chunked, chunked"}}, 11, malformed},
      {"chunked not last", {{"Transfer-Encoding", "chunked, gzip"}}, 11, malformed},
      {"not a list", {{"Transfer-Encoding", "chunked;q=1"}}, 11, malformed},
      {"empty coding", {{"Transfer-Encoding", ""}}, 11, malformed},
      {"trailing comma", {{"Transfer-Encoding", "chunked,"}}, 11, malformed},
      {"unknown", {{"Transfer-Encoding", "gzip"}}, 11, unknown},
      {"identity", {{"Transfer-Encoding", "identity"}}, 11, unknown},
      {"unknown, then chunked", {{"Transfer-Encoding", "gzip, chunked"}}, 11, unknown},
      {"near chunked", {{"Transfer-Encoding", "xchunked"}}, 11, unknown},
      {"two equal lengths", {{"Content-Length", "5"}, {"Content-Length", "5"}}, 11, malformed},
      {"length list", {{"Content-Length", "5, 5"}}, 11, malformed},
      {"signed length", {{"Content-Length", "+5"}}, 11, malformed},
      {"hex length", {{"Content-Length", "0x5"}}, 11, malformed},
      {"empty length", {{"Content-Length", ""}}, 11, malformed},
      {"endless length", {{"Content-Length", "18446744073709551617"}}, 11, malformed},
      {"two hosts", {{"Host", "h"}}, 11, malformed},
      {"continue", {{"Expect", "100-continue"}}, 11, {}},
      {"other expectation", {{"Expect", "200-ok"}}, 11, malformed},
      {"two expectations", {{"Expect", "100-continue"}, {"Expect", "100-continue"}}, 11, malformed},
  };
  for (const Case& c : cases) {
    std::vector<Header> headers = c.headers;
    headers.push_back({"Host", "h"});
    const auto verdict = judge({.method = "POST", .target = "/", .version = c.version, .headers = headers});
    const auto code = verdict.refusal ? std::optional(verdict.refusal->code) : std::nullopt;
    EXPECT_EQ(code, c.refusal) << c.why;
  }
}

TEST(Judge, DemandsAHostInHttp11AndGoesWithoutInHttp10) {
  EXPECT_TRUE(judge({.method = "GET", .target = "/", .version = 11, .headers = {}}).refusal);
  EXPECT_FALSE(judge({.method = "GET", .target = "/", .version = 10, .headers = {}}).refusal);
}

TEST(Judge, PutsTheRefusalsInTheirOrder) {
  const std::vector<Header> no_host;
  EXPECT_EQ(judge({.method = "BREW", .target = "/", .version = 11, .headers = no_host}).refusal->code,
            ProblemCode::malformed_request);
  const std::vector<Header> host{{"Host", "h"}};
  EXPECT_EQ(judge({.method = "BREW", .target = "/", .version = 11, .headers = host}).refusal->code,
            ProblemCode::not_implemented);
  const std::string endless = "/" + std::string(limits::start_line_bytes_max, 'a');
  EXPECT_EQ(judge({.method = "BREW", .target = endless, .version = 11, .headers = host}).refusal->code,
            ProblemCode::header_too_large);
}

TEST(Judge, TakesTheCallersRequestIdWhenItIsWellFormedAndSentOnce) {
  const auto taken = [](std::vector<Header> headers) {
    headers.push_back({"Host", "h"});
    return std::string(judge({.method = "GET", .target = "/", .version = 11, .headers = headers}).request_id);
  };
  EXPECT_EQ(taken({{"x-request-id", "abc"}}), "abc");
  EXPECT_EQ(taken({{"X-Request-Id", "a b"}}), "");
  EXPECT_EQ(taken({{"X-Request-Id", "abc"}, {"X-Request-Id", "abc"}}), "");
}

}  // namespace
}  // namespace tenon::http
