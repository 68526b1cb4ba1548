// Clients that are slow on purpose. Each test waits for the server to act, never for a clock of its own.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "unit/http/test_server.hpp"

namespace tenon::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds deadline{200};
constexpr milliseconds late{2'000};  // far more than a deadline and a tick: what takes so long was not ended by us

const http::ServerSettings impatient{
    .header_deadline = deadline, .body_deadline = deadline, .idle_deadline = deadline, .write_deadline = deadline};

bool readable(int fd, milliseconds within) {
  timeval wait{.tv_sec = 0, .tv_usec = within.count() * 1000};
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  return select(fd + 1, &set, nullptr, nullptr, &wait) == 1;
}

// Sends one byte every few milliseconds for as long as the server listens.
void drip(RawClient& client) {
  const auto began = steady_clock::now();
  while (!readable(client.fd(), milliseconds(10)) && steady_clock::now() - began < late) client.send("x");
}

TEST(SlowHeader, IsAnsweredWith408HoweverSteadilyItDrips) {
  TestServer server(impatient);
  RawClient client(server.port());
  const auto began = steady_clock::now();
  client.send("GET / HTTP/1.1\r\nHost: h\r\nX: ");
  drip(client);
  const RawResponse response = client.read();
  EXPECT_EQ(response.status, 408);
  EXPECT_EQ(response.header("Connection"), "close");
  EXPECT_TRUE(client.closed());
  EXPECT_GE(steady_clock::now() - began, deadline);
  EXPECT_LT(steady_clock::now() - began, late);
  EXPECT_EQ(server.seen(), std::vector<std::string>{});
}

TEST(SlowBody, IsAnsweredWith408HoweverSteadilyItDrips) {
  TestServer server(impatient);
  for (const auto* framing : {"Content-Length: 100000", "Transfer-Encoding: chunked"}) {
    SCOPED_TRACE(framing);
    RawClient client(server.port());
    const auto began = steady_clock::now();
    client.send(std::string("POST / HTTP/1.1\r\nHost: h\r\n") + framing + "\r\n\r\n10000\r\n");
    drip(client);
    EXPECT_EQ(client.read().status, 408);
    EXPECT_TRUE(client.closed());
    EXPECT_LT(steady_clock::now() - began, late);
  }
  EXPECT_EQ(server.seen(), std::vector<std::string>{});
}

TEST(SlowBody, HasADeadlineOfItsOwnApartFromTheHeaders) {
  http::ServerSettings settings = impatient;
  settings.body_deadline = milliseconds(60'000);
  TestServer server(settings);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na");
  RawClient other(server.port());
  EXPECT_TRUE(other.closed()) << "a header's deadline has passed meanwhile";
  client.send("b");
  EXPECT_EQ(client.read().body, "POST / ab");
}

TEST(SilentConnection, IsClosedWithoutAWord) {
  TestServer server(impatient);
  RawClient client(server.port());
  EXPECT_TRUE(client.closed());
}

TEST(SilentConnection, IsClosedAfterTheIdleDeadlineOnceItHasSpoken) {
  http::ServerSettings settings = impatient;
  settings.header_deadline = milliseconds(60'000);
  TestServer server(settings);
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(client.closed());
  server.wait_for_connections(0);
}

TEST(IdleDeadline, BeginsAnewWithEachRequest) {
  TestServer server(impatient);
  RawClient client(server.port());
  const auto began = steady_clock::now();
  int answers = 0;
  while (steady_clock::now() - began < 3 * deadline) {
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_EQ(client.read().status, 200);
    ++answers;
  }
  EXPECT_GT(answers, 3);
}

TEST(SlowReader, IsCutAfterTheWriteDeadline) {
  TestServer server(impatient);
  RawClient client(server.port());
  client.send("GET /bytes/50000000 HTTP/1.1\r\nHost: h\r\n\r\n");
  server.wait_for_seen(1);
  server.wait_for_connections(0);
  EXPECT_THROW(static_cast<void>(client.read()), RawClientError) << "the answer was never finished";
}

TEST(SlowHandler, IsNotHurriedByTheConnectionsDeadlines) {
  TestServer server(impatient);
  RawClient client(server.port());
  client.send("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
  server.wait_for_seen(1);
  RawClient other(server.port());
  EXPECT_TRUE(other.closed()) << "the deadlines have passed meanwhile";
  server.release();
  EXPECT_EQ(client.read().status, 200);
}

}  // namespace
}  // namespace tenon::test
