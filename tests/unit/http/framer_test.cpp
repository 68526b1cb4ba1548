#include "http/framer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/limits.hpp"

namespace tenon::http {
namespace {

using Progress = Framer::Progress;

// Feeds what a client sends, cut into pieces, and tells what became of it: one line per request, then the refusal.
class Wire {
 public:
  explicit Wire(std::size_t body_bytes_max = limits::body_bytes_max) : framer_(body_bytes_max) {}

  void send(std::string_view bytes) {
    while (!bytes.empty() && !refused_) {
      const auto room = framer_.room();
      const std::size_t n = std::min(room.size(), bytes.size());
      std::memcpy(room.data(), bytes.data(), n);
      framer_.received(n);
      bytes.remove_prefix(n);
      take();
    }
  }
  [[nodiscard]] const std::string& story() const { return story_; }
  [[nodiscard]] Progress progress() { return framer_.advance(); }
  [[nodiscard]] Framer& framer() { return framer_; }

 private:
  void take() {
    while (true) {
      const Progress progress = framer_.advance();
      if (progress == Progress::refused) {
        refused_ = true;
        story_.append("refused ").append(kind_of(framer_.refusal().code).code).append("\n");
      }
      if (progress != Progress::complete) return;
      const Request& request = framer_.request();
      story_.append(name_of(request.method)).append(" ").append(request.target);
      for (const Header& header : request.headers)
        story_.append(" ").append(header.name).append("=").append(header.value);
      story_.append(" [").append(request.body).append("]\n");
      framer_.release();
    }
  }
  Framer framer_;
  std::string story_;
  bool refused_ = false;
};

std::string story_of(std::string_view bytes) {
  Wire wire;
  wire.send(bytes);
  return wire.story();
}

constexpr std::string_view three_requests =
    "POST /a?x=1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;name=\"v;\\\"\"\r\nhello\r\n00\r\nX-Trailer: t\r\n\r\n"
    "GET /b HTTP/1.1\r\nHOST:h\r\nX: \t y z \t\r\n\r\n"
    "PUT /c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
constexpr std::string_view three_stories =
    "POST /a?x=1 Host=h Transfer-Encoding=chunked [hello]\n"
    "GET /b HOST=h X=y z []\n"
    "PUT /c Host=h Content-Length=3 [abc]\n";

TEST(Framer, TellsWholeRequestsApart) {
  Wire wire;
  wire.send(three_requests);
  EXPECT_EQ(wire.story(),
            "POST /a?x=1 Host=h Transfer-Encoding=chunked [hello]\nGET /b HOST=h X=y z []\n"
            "PUT /c Host=h Content-Length=3 [abc]\n");
  EXPECT_EQ(wire.progress(), Progress::idle);
}

TEST(Framer, ReadsTheSameWhereverTheBytesAreCut) {
  for (std::size_t cut = 1; cut < three_requests.size(); ++cut) {
    Wire wire;
    wire.send(three_requests.substr(0, cut));
    wire.send(three_requests.substr(cut));
    ASSERT_EQ(wire.story(), three_stories) << "cut at " << cut;
  }
  Wire wire;
  for (const char c : three_requests) wire.send({&c, 1});
  EXPECT_EQ(wire.story(), three_stories) << "one byte at a time";
}

TEST(Framer, KeepsItsViewsWhenABodyMakesTheBufferGrow) {
  const std::string path = "/" + std::string(7000, 'p');
  const std::string body(100'000, 'b');
  EXPECT_EQ(story_of("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + body +
                     "GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
            "POST " + path + " Host=h Content-Length=100000 [" + body + "]\nGET / Host=h []\n");
  // A chunk's line that arrives in crumbs behind a head that fills the buffer.
  Wire wire;
  wire.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nX: " + std::string(1100, 'x') +
            "\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunks = "1;" + std::string(200, 'e') + "\r\nz\r\n0\r\nT: " + std::string(4000, 't') + "\r\n\r\n";
  for (const char c : chunks) wire.send({&c, 1});
  EXPECT_EQ(wire.story(), "POST " + path + " Host=h X=" + std::string(1100, 'x') + " Transfer-Encoding=chunked [z]\n");
}

TEST(Framer, KnowsWhetherItIsBetweenOrInsideRequests) {
  Wire wire;
  EXPECT_EQ(wire.progress(), Progress::idle);
  wire.send("P");
  EXPECT_EQ(wire.progress(), Progress::head);
  wire.send("OST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(wire.progress(), Progress::body);
  wire.send("a");
  EXPECT_EQ(wire.progress(), Progress::body);
  wire.send("b");
  EXPECT_EQ(wire.progress(), Progress::idle);
  EXPECT_EQ(wire.story(), "POST / Host=h Content-Length=2 [ab]\n");
}

TEST(Framer, AsksForABodyOnlyWhenTheClientWaitsForIt) {
  const std::string head = "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
  Wire waiting;
  waiting.send(head);
  EXPECT_TRUE(waiting.framer().take_continue());
  EXPECT_FALSE(waiting.framer().take_continue());
  Wire sending;
  sending.send(head + "a");
  EXPECT_FALSE(sending.framer().take_continue());
  Wire old;
  old.send("PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_FALSE(old.framer().take_continue());
}

TEST(Framer, RefusesWhatTheParserUnderneathWouldMend) {
  const auto head = [](std::string_view lines) {
    return "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n";
  };
  const auto chunked = [](std::string_view body) {
    return "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body);
  };
  const std::string cases[] = {
      head("A: b\r\n c\r\n"),
      head("A:\r\n b\r\n"),
      head("A: b\r\n \r\n"),
      head("A:\r\n\t\r\n"),
      head("A:\r\n \r\n b\r\n"),
      head(" A: b\r\n"),
      head("A : b\r\n"),
      head(": b\r\n"),
      head("A\r\n"),
      head("A: b\rc\r\n"),
      head("A: b\nC: d\r\n"),
      head(std::string_view("A: \0\r\n", 6)),
      head("A: \x01\r\n"),
      head("A: \x7f\r\n"),
      head("A\x80: b\r\n"),
      head("Connection: close,,@\r\n"),
      "GET / HTTP/1.1\nHost: h\n\n",
      "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /  HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1 \r\nHost: h\r\n\r\n",
      "GET /\tHTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.2\r\nHost: h\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
      "GET / http/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/11\r\nHost: h\r\n\r\n",
      "GET /\r\nHost: h\r\n\r\n",
      "GET /\r\n\r\n",
      "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
      "\x16\x03\x01\x02\x01",
      chunked("x\r\n"),
      chunked("\r\n"),
      chunked("5 \r\nhello\r\n0\r\n\r\n"),
      chunked("0x5\r\nhello\r\n0\r\n\r\n"),
      chunked("-5\r\nhello\r\n0\r\n\r\n"),
      chunked("5;\r\nhello\r\n0\r\n\r\n"),
      chunked("5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n"),
      chunked("5\r\nhelloo\r\n0\r\n\r\n"),
      chunked("5\rhello\r\n0\r\n\r\n"),
      chunked("5\nhello\n0\n\n"),
      chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"),
      chunked("0\r\nA: b\r\n c\r\n\r\n"),
      chunked("0\r\nA b\r\n\r\n"),
      chunked("0\r\nContent-Length: 5\r\n\r\n"),
      chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"),
  };
  for (const std::string& bytes : cases) EXPECT_EQ(story_of(bytes), "refused malformed_request\n") << bytes;
}

TEST(Framer, NeverMakesATrailerAHeader) {
  EXPECT_EQ(story_of("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "0\r\nX-User: root\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
            "POST / Host=h Transfer-Encoding=chunked []\nGET / Host=h []\n");
}

TEST(Framer, RefusesNothingThatWasAlreadyThereBeforeTheGarbage) {
  EXPECT_EQ(story_of("GET /a HTTP/1.1\r\nHost: h\r\n\r\n{garbage"), "GET /a Host=h []\nrefused malformed_request\n");
  EXPECT_EQ(story_of("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nab c\r\n\r\n"),
            "PUT /a Host=h Content-Length=1 [a]\nrefused malformed_request\n");
}

TEST(Framer, StaysRefused) {
  Wire wire;
  wire.send("\n");
  EXPECT_EQ(wire.progress(), Progress::refused);
  EXPECT_EQ(wire.progress(), Progress::refused);
}

}  // namespace
}  // namespace tenon::http
