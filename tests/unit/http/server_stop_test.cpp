// A graceful stop: what is in flight finishes, nothing new begins, and it ends.
#include <gtest/gtest.h>

#include "unit/http/test_server.hpp"

namespace tenon::test {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds ample{10'000};
constexpr std::string_view simple = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view held = "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(Stop, WithNobodyConnectedIsDoneAtOnce) {
  TestServer server({}, 2);
  server.stop(ample);
  server.wait_for_stop();
}

TEST(Stop, ClosesIdleConnectionsAndTheListener) {
  TestServer server({}, 2);
  RawClient idle(server.port());
  idle.send(simple);
  EXPECT_EQ(idle.read().status, 200);
  RawClient silent(server.port());
  server.wait_for_connections(2);
  server.stop(ample);
  EXPECT_TRUE(idle.closed());
  EXPECT_TRUE(silent.closed());
  server.wait_for_stop();
  EXPECT_THROW(RawClient(server.port()), RawClientError);
  EXPECT_EQ(server.server().connections(), 0U);
}

TEST(Stop, LetsRequestsInFlightFinish) {
  TestServer server;
  RawClient in_handler(server.port());
  in_handler.send(std::string(held) + std::string(simple));
  RawClient in_body(server.port());
  in_body.send("PUT /body HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na");
  server.wait_for_seen(1);
  server.wait_for_connections(2);
  // Closing this one tells that the stop has begun.
  RawClient idle(server.port());
  idle.send(simple);
  EXPECT_EQ(idle.read().status, 200);
  server.stop(ample);
  EXPECT_TRUE(idle.closed());

  in_body.send("b");
  const RawResponse body = in_body.read();
  EXPECT_EQ(body.body, "PUT /body ab");
  EXPECT_EQ(body.header("Connection"), "close");
  EXPECT_TRUE(in_body.closed());
  EXPECT_THROW(RawClient(server.port()), RawClientError);

  server.release();
  const RawResponse answer = in_handler.read();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_TRUE(in_handler.closed()) << "what was pipelined behind is not begun";
  in_handler.finish_sending();
  server.wait_for_stop();
  EXPECT_EQ(server.seen().size(), 3U);
}

TEST(Stop, CutsWhatIsStillBusyAfterItsTime) {
  TestServer server;
  RawClient client(server.port());
  client.send(held);
  server.wait_for_seen(1);
  RawClient slow(server.port());
  slow.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na");
  server.wait_for_connections(2);
  server.stop(milliseconds(50));
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(slow.closed());
  server.wait_for_stop();
}

TEST(Stop, AskedForTwiceHappensOnce) {
  TestServer server;
  server.stop(ample);
  server.stop(ample);
  server.wait_for_stop();
}

TEST(Server, CanBeDestroyedWithRequestsInFlight) {
  TestServer server({}, 2);
  std::vector<RawClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(server.port());
    clients.back().send(i % 2 == 0 ? held : held.substr(0, 10));
  }
  server.wait_for_seen(4);
}

}  // namespace
}  // namespace tenon::test
