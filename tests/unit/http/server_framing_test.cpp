// What the wire may and may not look like, over real sockets: nothing behind a refused request is ever taken for one.
#include <gtest/gtest.h>

#include "unit/http/test_server.hpp"

namespace tenon::test {
namespace {

constexpr std::string_view smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

struct Malformed {
  std::string_view why;
  std::string bytes;
  int status;
};

std::string get(std::string_view lines) { return "GET / HTTP/1.1\r\n" + std::string(lines) + "\r\n"; }
std::string post(std::string_view lines, std::string_view body = {}) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n" + std::string(body);
}

TEST(MalformedRequest, IsRefusedAndNothingBehindItIsServed) {
  const Malformed cases[] = {
      {"unknown coding, no length", post("Transfer-Encoding: gzip\r\n"), 501},
      {"unknown coding and a length", post("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "hello"), 400},
      {"chunked and a length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
      {"a length and chunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"two codings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
      {"chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 400},
      {"a coding behind a vertical tab", post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n"), 400},
      {"a coding's name with a space", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
      {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"two lengths", post("Content-Length: 0\r\nContent-Length: 36\r\n"), 400},
      {"two equal lengths", post("Content-Length: 0\r\nContent-Length: 0\r\n"), 400},
      {"a list of lengths", post("Content-Length: 0, 0\r\n"), 400},
      {"a negative length", post("Content-Length: -1\r\n"), 400},
      {"a signed length", post("Content-Length: +0\r\n"), 400},
      {"no host", get(""), 400},
      {"two hosts", get("Host: a\r\nHost: b\r\n"), 400},
      {"two equal hosts", get("Host: a\r\nHost: a\r\n"), 400},
      {"an empty host", get("Host:\r\n"), 400},
      {"a host with a path", get("Host: a/b\r\n"), 400},
      {"a host with a user", get("Host: a@b\r\n"), 400},
      {"a host with a bad port", get("Host: a:99999\r\n"), 400},
      {"absolute-form", "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"authority-form", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"asterisk-form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a fragment", "GET /#a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a target outside ASCII", "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"NUL in the target", std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28), 400},
      {"an unknown method", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
      {"a method in lower case", "get / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
      {"TRACE", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 400},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"a folded line", get("Host: h\r\nX: a\r\n b\r\n"), 400},
      {"a folded host", get("Host:\r\n h\r\n"), 400},
      {"a bare LF", "GET / HTTP/1.1\nHost: h\n\n", 400},
      {"a bare LF in a value", get("Host: h\r\nX: a\nTransfer-Encoding: chunked\r\n"), 400},
      {"a bare CR in a value", get("Host: h\r\nX: a\rb\r\n"), 400},
      {"NUL in a value", get(std::string_view("Host: h\r\nX: \0\r\n", 15)), 400},
      {"ESC in a value", get("Host: h\r\nX: \x1b[0m\r\n"), 400},
      {"no colon", get("Host: h\r\nX\r\n"), 400},
      {"a name with a space", get("Host: h\r\nX y: z\r\n"), 400},
      {"an empty line first", "\r\n" + get("Host: h\r\n"), 400},
      {"an unknown expectation", post("Expect: 200-maybe\r\nContent-Length: 0\r\n"), 400},
      {"a bare LF in a chunk extension's quotes",
       post("Transfer-Encoding: chunked\r\n", "1;x=\"\n\"\r\na\r\n0\r\n\r\n"), 400},
      {"an escaped LF in a chunk extension", post("Transfer-Encoding: chunked\r\n", "1;x=\"\\\n\"\r\na\r\n0\r\n\r\n"),
       400},
      {"a chunk size that is none", post("Transfer-Encoding: chunked\r\n", "x\r\n\r\n"), 400},
      {"a chunk size with a space", post("Transfer-Encoding: chunked\r\n", "0 \r\n\r\n"), 400},
      {"a chunk size beyond 64 bits", post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff0\r\n\r\n"), 400},
      {"a chunk longer than it says", post("Transfer-Encoding: chunked\r\n", "1\r\nab\r\n0\r\n\r\n"), 400},
      {"a chunk that ends in LF", post("Transfer-Encoding: chunked\r\n", "1\na\n0\n\n"), 400},
      {"a folded trailer", post("Transfer-Encoding: chunked\r\n", "0\r\nX: a\r\n b\r\n\r\n"), 400},
      {"TLS to a plain port", std::string("\x16\x03\x01\x00\xa5", 5), 400},
      {"JSON", "{\"a\":1}\r\n\r\n", 400},
  };
  TestServer server;
  for (const Malformed& c : cases) {
    SCOPED_TRACE(c.why);
    RawClient client(server.port());
    client.send(c.bytes + std::string(smuggled));
    const RawResponse response = client.read();
    EXPECT_EQ(response.status, c.status);
    EXPECT_EQ(response.header("Content-Type"), "application/problem+json");
    EXPECT_EQ(response.header("Connection"), "close");
    EXPECT_EQ(response.header("Cache-Control"), "no-store");
    EXPECT_EQ(response.count("X-Request-Id"), 1U);
    EXPECT_EQ(response.count("Date"), 1U);
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(server.seen(), std::vector<std::string>{});
}

TEST(WellFormedRequest, IsServedAndSoIsTheNext) {
  struct Case {
    std::string_view why;
    std::string bytes;
    std::string body;
  };
  const Case cases[] = {
      {"plain", get("Host: h\r\n"), "GET / "},
      {"a host with a port", get("Host: example.org:8080\r\n"), "GET / "},
      {"an IPv6 host", get("host:[::1]:80\r\n"), "GET / "},
      {"white space around a value", get("Host: \t h \t \r\n"), "GET / "},
      {"an empty value", get("Host: h\r\nX:\r\n"), "GET / "},
      {"bytes above ASCII in a value", get("Host: h\r\nX: \xc3\xa4\r\n"), "GET / "},
      {"an upgrade nobody asked for", get("Host: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\n"), "GET / "},
      {"a body", post("Content-Length: 5\r\n", "hello"), "POST / hello"},
      {"an empty body", post("Content-Length: 0\r\n"), "POST / "},
      {"no body at all", post(""), "POST / "},
      {"a body that looks like a request",
       post("Content-Length: " + std::to_string(smuggled.size()) + "\r\n", smuggled),
       "POST / " + std::string(smuggled)},
      {"chunks", post("Transfer-Encoding: chunked\r\n", "1\r\na\r\nA\r\nbcdefghijk\r\n0\r\n\r\n"),
       "POST / abcdefghijk"},
      {"no chunks", post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), "POST / "},
      {"a chunk extension", post("Transfer-Encoding: chunked\r\n", "1;a=b;c=\"d\"\r\na\r\n0;e\r\n\r\n"), "POST / a"},
      {"trailers", post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\nX: y\r\n\r\n"), "POST / a"},
      {"OPTIONS", "OPTIONS /a HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS /a "},
      {"a query", "GET /a?b=%20&c HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a?b=%20&c "},
  };
  TestServer server;
  RawClient client(server.port());  // one connection for all: each was framed right, or the next would fail
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    client.send(c.bytes);
    const RawResponse response = client.read();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, c.body);
    EXPECT_EQ(response.header("Connection"), std::nullopt);
  }
}

TEST(ChunkedBody, IsTheSameWhereverThePacketsEnd) {
  TestServer server;
  RawClient client(server.port());
  const std::string bytes =
      post("Transfer-Encoding: chunked\r\n", "5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n");
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    client.send(std::string_view(bytes).substr(0, cut));
    client.send(std::string_view(bytes).substr(cut));
    ASSERT_EQ(client.read().body, "POST / hello world") << "cut at " << cut;
  }
}

TEST(PipelinedRequests, AreAnsweredInOrder) {
  TestServer server;
  RawClient client(server.port());
  constexpr int requests = 2000;
  std::string bytes;
  for (int i = 0; i < requests; ++i) bytes += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  client.send(bytes);
  for (int i = 0; i < requests; ++i) ASSERT_EQ(client.read().body, "GET /" + std::to_string(i) + " ");
}

TEST(PipelinedRequests, BeforeGarbageAreAnswered) {
  TestServer server;
  RawClient client(server.port());
  client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nnonsense\r\n\r\n" +
              std::string(smuggled));
  EXPECT_EQ(client.read().body, "GET /1 ");
  EXPECT_EQ(client.read().body, "GET /2 ");
  EXPECT_EQ(client.read().status, 400);
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(server.seen(), (std::vector<std::string>{"GET /1", "GET /2"}));
}

TEST(PipelinedRequests, BehindAConnectionCloseAreNotServed) {
  TestServer server;
  RawClient client(server.port());
  client.send("GET /1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + std::string(smuggled));
  EXPECT_EQ(client.read().header("Connection"), "close");
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(server.seen(), std::vector<std::string>{"GET /1"});
}

TEST(ExpectContinue, IsAnsweredBeforeTheBodyIsSent) {
  TestServer server;
  RawClient client(server.port());
  client.send(post("Expect: 100-continue\r\nContent-Length: 5\r\n"));
  EXPECT_EQ(client.read().status, 100);
  client.send("hello");
  EXPECT_EQ(client.read().body, "POST / hello");
}

TEST(ExpectContinue, IsRefusedForABodyThatIsTooLarge) {
  TestServer server;
  RawClient client(server.port());
  client.send(post("Expect: 100-continue\r\nContent-Length: 999999999\r\n"));
  EXPECT_EQ(client.read().status, 413);
  EXPECT_TRUE(client.closed());
}

}  // namespace
}  // namespace tenon::test
