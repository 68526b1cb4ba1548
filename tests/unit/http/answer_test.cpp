#include "http/answer.hpp"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

#include "http/listen_address.hpp"
#include "http/request_id.hpp"

namespace tenon::http {
namespace {

constexpr std::string_view top =
    "Server: tenon\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Request-Id: r1\r\n"
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";

std::string answer(const Response& response, AnswerFrame frame) {
  frame.request_id = "r1";
  frame.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  std::string out;
  append_answer(out, response, frame);
  return out;
}

TEST(Answer, HasTheHandlersHeadersAndBodyBetweenItsOwnFraming) {
  EXPECT_EQ(answer(Response::json(201, "{}").add("ETag", "W/\"v1\""), {}),
            "HTTP/1.1 201 Created\r\n" + std::string(top) +
                "Content-Type: application/json\r\nETag: W/\"v1\"\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(Answer, ToHeadHasTheLengthAndNoBody) {
  EXPECT_EQ(answer(Response::json(200, "{}"), {.head_only = true}),
            "HTTP/1.1 200 OK\r\n" + std::string(top) + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n");
}

TEST(Answer, WithoutContentHasNoLength) {
  for (const std::uint16_t status : {std::uint16_t{204}, std::uint16_t{304}}) {
    Response response(status);
    response.set_body("dropped");
    const std::string bytes = answer(response, {});
    EXPECT_EQ(bytes.find("Content-Length"), std::string::npos) << status;
    EXPECT_TRUE(bytes.ends_with("\r\n\r\n")) << status;
  }
}

TEST(Answer, SaysWhatBecomesOfTheConnection) {
  EXPECT_NE(answer(Response(200), {.closes = true}).find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_NE(answer(Response(200), {.keep_alive = true}).find("\r\nConnection: keep-alive\r\n"), std::string::npos);
  EXPECT_EQ(answer(Response(200), {}).find("Connection"), std::string::npos);
}

TEST(Answer, HasRoomForAllLinesThatItMayHave) {
  for (std::uint16_t status = 200; status < 600; ++status) {
    for (const bool closes : {false, true}) {
      const AnswerFrame all{
          .request_id = {}, .date = {}, .head_only = false, .closes = closes, .secure = true, .keep_alive = !closes};
      EXPECT_TRUE(answer(Response::json(status, std::string(123'456, ' ')), all).ends_with("  ") || status == 204 ||
                  status == 304);
    }
  }
}

TEST(Answer, LeavesAHandlersOwnContentPolicyAlone) {
  Response page(200);
  page.add("content-security-policy", "default-src 'self'");
  const std::string bytes = answer(page, {});
  EXPECT_NE(bytes.find("default-src 'self'"), std::string::npos);
  EXPECT_EQ(bytes.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(bytes.find("nosniff"), std::string::npos);
}

TEST(Answer, OverTlsTellsBrowsersToComeNoOtherWay) {
  EXPECT_NE(answer(Response(200), {.secure = true}).find("\r\nStrict-Transport-Security: max-age=31536000\r\n"),
            std::string::npos);
  EXPECT_EQ(answer(Response(200), {}).find("Strict-Transport-Security"), std::string::npos);
}

TEST(ReasonPhrase, IsThereForEveryProblem) {
  for (std::size_t i = 0; i < problem_code_count; ++i) {
    const ProblemKind& kind = kind_of(static_cast<ProblemCode>(i));
    EXPECT_NE(reason_phrase(kind.status), "") << kind.status;
  }
}

TEST(HttpDate, IsImfFixdate) {
  using namespace std::chrono;
  EXPECT_EQ(http_date(sys_seconds{seconds{784111777}}), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(sys_seconds{}), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(http_date(sys_seconds{seconds{951782399}}), "Mon, 28 Feb 2000 23:59:59 GMT");
}

TEST(RequestIds, AreThirtyTwoHexDigitsAndDontRepeat) {
  RequestIds one;
  RequestIds other;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    for (RequestIds* ids : {&one, &other}) {
      std::string id;
      ids->append_next(id);
      EXPECT_EQ(id.size(), 32U);
      EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
      EXPECT_TRUE(seen.insert(id).second);
    }
  }
}

TEST(ListenAddress, IsHostAndPort) {
  const auto text = [](std::string_view setting) {
    const auto endpoint = listen_address(setting);
    return endpoint.address().to_string() + " " + std::to_string(endpoint.port());
  };
  EXPECT_EQ(text("127.0.0.1:8080"), "127.0.0.1 8080");
  EXPECT_EQ(text("localhost:0"), "127.0.0.1 0");
  EXPECT_EQ(text("0.0.0.0:65535"), "0.0.0.0 65535");
  EXPECT_EQ(text("[::1]:80"), "::1 80");
  for (const auto* wrong : {"", ":", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                            "127.0.0.1:80 ", "::1:80", "[::1]", "example.org:80", "[127.0.0.1]:80"})
    EXPECT_THROW(static_cast<void>(listen_address(wrong)), std::runtime_error) << wrong;
}

}  // namespace
}  // namespace tenon::http
