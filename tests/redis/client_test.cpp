#include "redis/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <future>
#include <thread>

#include "support/await_result.hpp"
#include "support/redis_server.hpp"
#include "support/tcp_peers.hpp"

namespace tenon::test {
namespace {

namespace asio = boost::asio;
using redis::Client;
using redis::ConnectionError;
using redis::Reply;
using std::chrono::milliseconds;
using testing::HasSubstr;

Monotonic soon(milliseconds wait = std::chrono::seconds(5)) { return monotonic_now() + wait; }

class RedisClient : public testing::Test {
 protected:
  static redis::ClientSettings to(const std::string& url, std::size_t connections = 1) {
    return {.address = redis::parse_address(url).value(),
            .connections_per_thread = connections,
            .connect_deadline = milliseconds(200),
            .backoff_least = milliseconds(5),
            .backoff_most = milliseconds(20)};
  }
  // Runs the loop until so many connections are open.
  bool reaches(const Client& client, std::size_t connections) {
    const auto until = soon();
    io.restart();
    while (client.connected() != connections && monotonic_now() < until) io.run_one_for(milliseconds(10));
    return client.connected() == connections;
  }
  Reply ask(Client& client, std::vector<std::string_view> parts, milliseconds patience = std::chrono::seconds(5)) {
    return await_result(io, client.call(parts, soon(patience)));
  }
  void end(Client& client) {
    client.stop();
    io.restart();
    io.run_for(std::chrono::seconds(5));
    EXPECT_TRUE(io.stopped()) << "something of it still waits";
  }

  asio::io_context io{1};
};

TEST_F(RedisClient, OpensItsConnectionsAndOpensThemAgain) {
  RedisServer server;
  Client client({&io}, to(server.url(), 3));
  EXPECT_THROW(ask(client, {"PING"}), ConnectionError) << "not started";
  client.start();
  ASSERT_TRUE(reaches(client, 3));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(client, {"PING"}).text, "PONG");
  server.kill_hard();
  ASSERT_TRUE(reaches(client, 0));
  EXPECT_THROW(ask(client, {"PING"}), ConnectionError);
  EXPECT_FALSE(client.last_failure().empty());
  server.start();
  ASSERT_TRUE(reaches(client, 3));
  EXPECT_EQ(ask(client, {"PING"}).text, "PONG");
  end(client);
}

TEST_F(RedisClient, FailsAtOnceWhileThereIsNoConnection) {
  const FullPeer nobody;
  Client client({&io}, to("redis://127.0.0.1:" + std::to_string(nobody.port())));
  client.start();
  io.run_for(milliseconds(20));
  const auto begun = monotonic_now();
  EXPECT_THROW(ask(client, {"PING"}), ConnectionError);
  EXPECT_LT(monotonic_now() - begun, milliseconds(4'000)) << "it had five seconds";
  io.restart();
  io.run_for(milliseconds(400));
  EXPECT_THAT(client.last_failure(), HasSubstr("deadline"));
  end(client);
}

TEST_F(RedisClient, LeavesAPrimaryThatWasDemoted) {
  RedisServer first;
  RedisServer second;
  second.replicate(first);
  const std::string hosts =
      "redis://127.0.0.1:" + std::to_string(first.port()) + ",127.0.0.1:" + std::to_string(second.port());
  Client client({&io}, to(hosts));
  client.start();
  ASSERT_TRUE(reaches(client, 1));
  EXPECT_EQ(ask(client, {"SET", "key", "1"}).text, "OK");
  second.ask({"REPLICAOF", "NO", "ONE"});
  first.ask({"REPLICAOF", "127.0.0.1", std::to_string(second.port())});
  EXPECT_EQ(ask(client, {"SET", "key", "2"}).error_name(), "READONLY");
  ASSERT_TRUE(reaches(client, 0));
  ASSERT_TRUE(reaches(client, 1));
  EXPECT_EQ(ask(client, {"SET", "key", "3"}).text, "OK");
  EXPECT_EQ(second.ask({"GET", "key"}).text, "3");
  end(client);
}

TEST_F(RedisClient, UsesTheConnectionOfTheThreadThatAsks) {
  const RedisServer server;
  asio::io_context other{1};
  Client client({&io, &other}, to(server.url()));
  client.start();
  {
    auto work = asio::make_work_guard(other);
    std::thread thread([&other] { other.run(); });
    EXPECT_TRUE(reaches(client, 2));
    const std::string here = ask(client, {"CLIENT", "INFO"}).text;
    std::string there;
    const auto ask_there = [](Client& of, std::string& answer) -> asio::awaitable<void> {
      const std::vector<std::string_view> parts{"CLIENT", "INFO"};
      answer = (co_await of.call(parts, soon())).text;
    };
    std::promise<void> done;
    asio::co_spawn(other, ask_there(client, there), [&done](std::exception_ptr) { done.set_value(); });
    done.get_future().wait();
    EXPECT_NE(here.substr(0, here.find(' ')), there.substr(0, there.find(' '))) << "the connection's id";
    client.stop();
    work.reset();
    thread.join();
  }
  end(client);
}

}  // namespace
}  // namespace tenon::test
