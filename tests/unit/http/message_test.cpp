#include "http/message.hpp"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>

namespace tenon::http {
namespace {

TEST(Method, IsNamedInUpperCaseOnly) {
  for (const auto method :
       {Method::get, Method::head, Method::post, Method::put, Method::patch, Method::delete_, Method::options})
    EXPECT_EQ(method_named(name_of(method)), method);
  EXPECT_EQ(method_named("get"), std::nullopt);
  EXPECT_EQ(method_named("BREW"), std::nullopt);
  EXPECT_EQ(method_named(""), std::nullopt);
}

TEST(Request, GivesAHeaderOnlyWhenItOccursExactlyOnce) {
  const std::array<Header, 3> headers{{{"Accept", "a"}, {"X-Twice", "1"}, {"x-twice", "2"}}};
  Request request;
  request.headers = headers;
  EXPECT_EQ(request.header("ACCEPT"), "a");
  EXPECT_EQ(request.header("X-Twice"), std::nullopt);
  EXPECT_EQ(request.header("X-Missing"), std::nullopt);
  EXPECT_EQ(request.count("X-TWICE"), 2U);
  EXPECT_EQ(request.count("X-Missing"), 0U);
}

TEST(Response, CannotBeSplitByAHeaderValue) {
  Response response;
  response.add("ETag", std::string_view("a\r\nSet-Cookie: b\0c", 18));
  EXPECT_EQ(response.header_lines(), "ETag: a  Set-Cookie: b c\r\n");
  EXPECT_EQ(response.header("Set-Cookie"), std::nullopt);
}

TEST(Response, CannotBeGivenWhatTheSessionWrites) {
  Response response;
  for (const auto* name : {"Content-Length", "transfer-encoding", "Connection", "Date", "X-Request-Id", "Server"})
    EXPECT_THROW(response.add_named(name, "x"), std::invalid_argument) << name;
  for (const auto* name : {"", "A B", "A:", "A\r\nB"})
    EXPECT_THROW(response.add_named(name, "x"), std::invalid_argument) << name;
  EXPECT_EQ(response.header_lines(), "");
}

TEST(Response, FindsTheFirstHeaderOfAName) {
  Response response;
  response.add("Vary", "a").add("X", "b").add("vary", "c");
  EXPECT_EQ(response.header("VARY"), "a");
  EXPECT_EQ(response.header("x"), "b");
  EXPECT_EQ(response.header("y"), std::nullopt);
}

TEST(Refusal, SaysWhatItsProblemAsksFor) {
  Problem busy = problem(ProblemCode::overloaded);
  busy.retry_after_seconds = 7;
  const Response response = Response::refusal(busy);
  EXPECT_EQ(response.status(), 503);
  EXPECT_EQ(response.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(response.header("Cache-Control"), "no-store");
  EXPECT_EQ(response.header("Retry-After"), "7");
  EXPECT_EQ(response.header("Allow"), std::nullopt);
  EXPECT_EQ(response.body(), render(busy));
}

TEST(Refusal, OfAMethodNamesTheAllowedOnes) {
  Problem wrong = problem(ProblemCode::method_not_allowed);
  wrong.allow = "GET, HEAD";
  EXPECT_EQ(Response::refusal(wrong).header("Allow"), "GET, HEAD");
}

TEST(Refusal, FallsBackToTheKindsRetryAfterAndHasNoneWhereNoRetryHelps) {
  EXPECT_EQ(Response::refusal(problem(ProblemCode::stopping)).header("Retry-After"), "1");
  EXPECT_EQ(Response::refusal(problem(ProblemCode::not_found)).header("Retry-After"), std::nullopt);
}

TEST(Refusal, CanCarryAnotherStatus) {
  const Response response = Response::refusal(problem(ProblemCode::conflict), 412);
  EXPECT_EQ(response.status(), 412);
  EXPECT_NE(response.body().find("412"), std::string::npos);
}

TEST(AHeadersValue, EndsNoLineWhereverACharacterForItStands) {
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const char end : {'\r', '\n', '\0'}) {
        std::string value(size, 'v');
        std::string told = value;
        value[at] = end;
        told[at] = ' ';
        EXPECT_EQ(Response(200).add("X-Told", value).header_lines(), "X-Told: " + told + "\r\n");
      }
    }
  }
}

TEST(AHeadersValue, KeepsEveryOtherCharacter) {
  for (int code = 1; code < 256; ++code) {
    const char c = static_cast<char>(code);
    if (c == '\r' || c == '\n') continue;
    const std::string value = std::string(3, c) + "between " + std::string(9, c);
    EXPECT_EQ(Response(200).add("X-Told", value).header_lines(), "X-Told: " + value + "\r\n") << code;
  }
}

}  // namespace
}  // namespace tenon::http
