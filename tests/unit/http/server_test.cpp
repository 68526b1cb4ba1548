// What every answer carries, how long a connection lives, and how many there may be.
#include "http/server.hpp"

#include <gtest/gtest.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "unit/http/test_server.hpp"

namespace tenon::test {
namespace {

constexpr std::string_view simple = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(Answer, CarriesTheCallersRequestIdOrOneMadeHere) {
  TestServer server;
  RawClient client(server.port());
  const auto id_for = [&](std::string_view line) {
    client.send("GET / HTTP/1.1\r\nHost: h\r\n" + std::string(line) + "\r\n");
    return client.read().header("X-Request-Id").value_or("");
  };
  EXPECT_EQ(id_for("X-Request-Id: order-7/a\r\n"), "order-7/a");
  for (const auto* line :
       {"", "X-Request-Id: a b\r\n", "X-Request-Id: a\r\nX-Request-Id: a\r\n", "X-Request-Id:\r\n"}) {
    const std::string made = id_for(line);
    EXPECT_EQ(made.size(), 32U) << line;
    EXPECT_EQ(made.find_first_not_of("0123456789abcdef"), std::string::npos) << line;
  }
  EXPECT_NE(id_for(""), id_for(""));
}

TEST(Answer, ToHeadIsTheOneToGetWithoutItsBody) {
  TestServer server;
  RawClient client(server.port());
  client.send("HEAD /bytes/1234 HTTP/1.1\r\nHost: h\r\n\r\n" + std::string(simple));
  const RawResponse head = client.read(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("Content-Length"), "1234");
  EXPECT_EQ(client.read().body, "GET / ") << "no byte of a body came between";
}

TEST(Answer, WithoutContentHasNoLengthAndKeepsTheConnection) {
  TestServer server;
  RawClient client(server.port());
  client.send("GET /status/204 HTTP/1.1\r\nHost: h\r\n\r\n" + std::string(simple));
  EXPECT_EQ(client.read().count("Content-Length"), 0U);
  EXPECT_EQ(client.read().status, 200);
}

TEST(Answer, CannotBeSplitByAHandler) {
  TestServer server;
  RawClient client(server.port());
  client.send("GET /split HTTP/1.1\r\nHost: h\r\n\r\n" + std::string(simple));
  const RawResponse response = client.read();
  EXPECT_EQ(response.count("X-Evil"), 0U);
  EXPECT_EQ(response.header("X-Echo"), "a  X-Evil: 1    HTTP/1.1 200 OK");
  EXPECT_EQ(client.read().body, "GET / ");
}

TEST(Answer, OfManyMegabytesArrivesWhole) {
  TestServer server;
  RawClient client(server.port());
  client.send("GET /bytes/20000000 HTTP/1.1\r\nHost: h\r\n\r\n" + std::string(simple));
  EXPECT_EQ(client.read().body.size(), 20'000'000U);
  EXPECT_EQ(client.read().body, "GET / ");
}

TEST(Handler, ThatThrowsIsA500WhichTellsNothing) {
  TestServer server;
  RawClient client(server.port());
  for (const auto* target : {"/throw", "/throw-int", "/frame", "/status/42", "/status/100"}) {
    SCOPED_TRACE(target);
    client.send(std::string("GET ") + target + " HTTP/1.1\r\nHost: h\r\nX-Request-Id: its-id\r\n\r\n");
    const RawResponse response = client.read();
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.header("Content-Type"), "application/problem+json");
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
  }
  client.send(simple);
  EXPECT_EQ(client.read().status, 200) << "the connection goes on";
  const std::string log = server.log_text();
  EXPECT_NE(log.find("handler_failed"), std::string::npos);
  EXPECT_NE(log.find("its-id"), std::string::npos);
  EXPECT_NE(log.find("the secret of the house"), std::string::npos);
}

TEST(Observer, IsToldOfEveryAnswerAlsoToWhatWasNoRequest) {
  TestServer server;
  RawClient client(server.port());
  client.send("GET /status/202 HTTP/1.1\r\nHost: h\r\nX-Request-Id: one\r\n\r\n");
  EXPECT_EQ(client.read().status, 202);
  client.send("nonsense\r\n\r\n");
  EXPECT_EQ(client.read().status, 400);
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(server.finished(), (std::vector<std::string>{"202 one", "400"}));
}

TEST(Connection, LivesAsLongAsTheRequestAsksFor) {
  struct Case {
    std::string_view request;
    std::optional<std::string> connection;
    bool lives;
  };
  const Case cases[] = {
      {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", std::nullopt, true},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", std::nullopt, true},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n", "close", false},
      {"GET / HTTP/1.0\r\n\r\n", "close", false},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "keep-alive", true},
      {"GET /close HTTP/1.1\r\nHost: h\r\n\r\n", "close", false},
  };
  TestServer server;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.request);
    RawClient client(server.port());
    client.send(c.request);
    EXPECT_EQ(client.read().header("Connection"), c.connection);
    if (c.lives) {
      client.send(simple);
      EXPECT_EQ(client.read().status, 200);
    } else {
      EXPECT_TRUE(client.closed());
    }
  }
}

TEST(Connection, ThatIsHalfClosedStillGetsItsAnswer) {
  TestServer server;
  RawClient client(server.port());
  client.send(simple);
  client.finish_sending();
  EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(client.closed());
}

TEST(Connection, ServesThousandsOfRequests) {
  TestServer server;
  RawClient client(server.port());
  for (int i = 0; i < 3000; ++i) {
    client.send("PUT /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nb");
    ASSERT_EQ(client.read().body, "PUT /" + std::to_string(i) + " b");
  }
}

TEST(Connections, AreSpreadOverAllThreads) {
  TestServer server({}, 3);
  std::vector<RawClient> clients;
  for (int i = 0; i < 12; ++i) clients.emplace_back(server.port());
  for (auto& client : clients) client.send(simple);
  for (auto& client : clients) EXPECT_EQ(client.read().header("X-Peer"), "127.0.0.1");
  EXPECT_EQ(server.server().connections(), 12U);
  clients.clear();
  server.wait_for_connections(0);
}

TEST(Connections, AboveTheLimitAreToldSoAndClosed) {
  struct Case {
    std::string_view which;
    http::ServerSettings settings;
  };
  const Case cases[] = {
      {"all together", {.connections_max = 2}},
      {"of one peer", {.connections_per_peer_max = 2}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.which);
    TestServer server(c.settings);
    auto first = std::make_unique<RawClient>(server.port());
    RawClient second(server.port());
    first->send(simple);
    EXPECT_EQ(first->read().status, 200);
    second.send(simple);
    EXPECT_EQ(second.read().status, 200) << "at the limit";

    RawClient third(server.port());
    third.send(simple);
    const RawResponse refused = third.read();
    EXPECT_EQ(refused.status, 503);
    EXPECT_NE(refused.body.find("\"overloaded\""), std::string::npos);
    EXPECT_EQ(refused.header("Connection"), "close");
    EXPECT_TRUE(third.closed());

    first.reset();
    server.wait_for_connections(1);
    RawClient fourth(server.port());
    fourth.send(simple);
    EXPECT_EQ(fourth.read().status, 200) << "a place was given back";
    EXPECT_EQ(server.seen().size(), 3U);
  }
}

TEST(Acceptor, SurvivesRunningOutOfDescriptorsWithoutSpinning) {
  TestServer server;
  EXPECT_EQ(exchange(server.port(), "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").status, 200);
  server.wait_for_connections(0);
  RawClient client(server.port());  // has its descriptor, and a place in the queue of the next accept
  client.send(simple);
  EXPECT_EQ(client.read().status, 200);

  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int queued = socket(AF_INET, SOCK_STREAM, 0);
  const int lowest_free = dup(0);
  ASSERT_GE(lowest_free, 0);
  close(lowest_free);
  rlimit exhausted = before;
  exhausted.rlim_cur = static_cast<rlim_t>(lowest_free);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &exhausted), 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(queued, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  // Whoever is connected is still served while nobody new can be.
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(400);
  while (std::chrono::steady_clock::now() < until) {
    client.send(simple);
    ASSERT_EQ(client.read().status, 200);
  }
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);

  EXPECT_EQ(exchange(server.port(), simple).status, 200) << "the acceptor goes on";
  const std::string log = server.log_text();
  std::size_t failures = 0;
  for (std::size_t at = log.find("accept_failed"); at != std::string::npos; at = log.find("accept_failed", at + 1))
    ++failures;
  EXPECT_GE(failures, 1U);
  EXPECT_LE(failures, 40U) << "it must pause between attempts";
  close(queued);
}

TEST(Server, SaysWhyItCannotListen) {
  TestServer taken;
  EXPECT_THROW(TestServer({.listen = "127.0.0.1:" + std::to_string(taken.port())}), std::runtime_error);
  EXPECT_THROW(TestServer({.listen = "nowhere"}), std::runtime_error);
}

// Of the heap, all threads together.
std::size_t bytes_in_use() {
  const struct mallinfo2 now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

// Reads an answer with a body of so many bytes, and keeps nothing of it.
void read_away(int descriptor, std::size_t body) {
  std::array<char, 16 * 1024> buffer;
  for (std::size_t read = 0, all = body + 1; read < all;) {
    const ssize_t received = recv(descriptor, buffer.data(), buffer.size(), 0);
    ASSERT_GT(received, 0);
    const std::string_view some(buffer.data(), static_cast<std::size_t>(received));
    if (read == 0) all = body + some.find("\r\n\r\n") + 4;
    read += some.size();
  }
}

TEST(Server, KeepsNoRoomForTheLargestRequestAndAnswerOfAConnectionThatStaysOpen) {
  constexpr std::size_t body = 200'000;
  constexpr std::size_t many = 40;
  TestServer server;
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < many; ++i) {
    clients.emplace_back(server.port());
    clients.back().send(simple);
    ASSERT_EQ(clients.back().read().status, 200);
  }
  const std::string posts = "POST /status/204 HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body) +
                            "\r\n\r\n" + std::string(body, ' ');
  const std::string gets = "GET /bytes/" + std::to_string(body) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::size_t before = bytes_in_use();
  for (RawClient& client : clients) {
    client.send(posts);
    ASSERT_EQ(client.read().status, 204);
  }
  EXPECT_LT(bytes_in_use(), before + many * body / 4) << "of requests";
  for (RawClient& client : clients) {
    client.send(gets);
    read_away(client.fd(), body);
  }
  EXPECT_LT(bytes_in_use(), before + many * body / 4) << "of answers";
}

}  // namespace
}  // namespace tenon::test
