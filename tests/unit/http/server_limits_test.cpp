// One below each limit, at it, and one above.
#include <gtest/gtest.h>

#include <functional>

#include "base/limits.hpp"
#include "unit/http/test_server.hpp"

namespace tenon::test {
namespace {

constexpr std::size_t body_max = 1000;

struct Bound {
  std::string_view what;
  std::size_t max;
  std::function<std::string(std::size_t)> request;  // that many bytes, or lines, of it
  int above;                                        // the status of one too many
};

std::string padded_line(std::size_t bytes) { return "X: " + std::string(bytes - 3, 'x'); }

std::string start_line(std::size_t bytes) {
  return "GET /" + std::string(bytes - 14, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

std::string header_line(std::size_t bytes) { return "GET / HTTP/1.1\r\nHost: h\r\n" + padded_line(bytes) + "\r\n\r\n"; }

std::string whole_header(std::size_t bytes) {
  std::string head = "GET / HTTP/1.1\r\nHost: h\r\n";
  while (bytes - head.size() > 6000) head += padded_line(4000) + "\r\n";
  return head + padded_line(bytes - head.size() - 4) + "\r\n\r\n";
}

std::string header_count(std::size_t lines) {
  std::string head = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (std::size_t i = 1; i < lines; ++i) head += "X: y\r\n";
  return head + "\r\n";
}

std::string body(std::size_t bytes) {
  return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" +
         std::string(bytes, 'b');
}

std::string chunked(std::string_view chunks) {
  return "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunks);
}

std::string single_bytes(std::size_t bytes) {
  std::string chunks;
  for (std::size_t i = 0; i < bytes; ++i) chunks += "1\r\nb\r\n";
  return chunked(chunks + "0\r\n\r\n");
}

std::string extension(std::size_t bytes) { return chunked("1;" + std::string(bytes - 1, 'e') + "\r\nb\r\n0\r\n\r\n"); }

std::string trailers(std::size_t bytes) {
  return chunked("0\r\n" + padded_line(bytes / 2 - 2) + "\r\n" + padded_line(bytes - bytes / 2 - 2) + "\r\n\r\n");
}

std::vector<Bound> bounds() {
  return {
      {"start line", limits::start_line_bytes_max, start_line, 431},
      {"one header line", limits::header_line_bytes_max, header_line, 431},
      {"whole header", limits::header_bytes_max, whole_header, 431},
      {"header lines", limits::header_count_max, header_count, 431},
      {"body", body_max, body, 413},
      {"chunked body", body_max, single_bytes, 413},
      {"chunk extension", limits::chunk_extension_bytes_max, extension, 400},
      {"trailers", limits::trailer_bytes_max, trailers, 431},
  };
}

TEST(Limit, LetsThroughWhatItAllowsAndNotOneMore) {
  TestServer server({.body_bytes_max = body_max});
  for (const Bound& bound : bounds()) {
    SCOPED_TRACE(bound.what);
    RawClient client(server.port());
    client.send(bound.request(bound.max - 1));
    EXPECT_EQ(client.read().status, 200) << "one below";
    client.send(bound.request(bound.max));
    EXPECT_EQ(client.read().status, 200) << "at the limit";
    const std::size_t served = server.seen().size();
    client.send(bound.request(bound.max + 1));
    EXPECT_EQ(client.read().status, bound.above) << "one above";
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(server.seen().size(), served);
  }
}

TEST(Limit, HoldsForWhatNeverEnds) {
  struct Endless {
    std::string_view what;
    std::string begin;
    char rest;
    int status;
  };
  const Endless cases[] = {
      {"method", "", 'G', 431},
      {"target", "GET /", 'a', 431},
      {"header name", "GET / HTTP/1.1\r\nHost: h\r\n", 'X', 431},
      {"header value", "GET / HTTP/1.1\r\nHost: h\r\nX: ", 'x', 431},
      {"chunk size", chunked(""), '0', 400},
      {"chunk extension", chunked("1;"), 'e', 400},
      {"extension of the last chunk", chunked("0;"), 'e', 400},
      {"trailer", chunked("0\r\nX: "), 'x', 431},
  };
  TestServer server({.body_bytes_max = body_max});
  for (const Endless& c : cases) {
    SCOPED_TRACE(c.what);
    RawClient client(server.port());
    client.send(c.begin + std::string(limits::header_bytes_max + 1, c.rest));
    EXPECT_EQ(client.read().status, c.status);
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(server.seen(), std::vector<std::string>{});
}

TEST(Limit, OfChunkExtensionsIsForAllOfThemTogether) {
  TestServer server;
  std::string chunks;
  for (std::size_t i = 0; i < limits::chunk_extension_bytes_max / 2 + 1; ++i) chunks += "1;e\r\nb\r\n";
  EXPECT_EQ(exchange(server.port(), chunked(chunks + "0\r\n\r\n")).status, 400);
}

TEST(BodyTooLarge, IsRefusedBeforeItIsRead) {
  TestServer server;
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n");
  const RawResponse response = client.read();
  EXPECT_EQ(response.status, 413);
  EXPECT_TRUE(client.closed());
}

TEST(BodyTooLarge, IsHeardByAClientThatSendsItAllTheSame) {
  TestServer server;
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n" + std::string(900'000, 'b'));
  EXPECT_EQ(client.read().status, 413);
}

}  // namespace
}  // namespace tenon::test
