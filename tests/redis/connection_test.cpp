#include "redis/connection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/limits.hpp"
#include "redis/stream.hpp"
#include "support/await_result.hpp"
#include "support/redis_server.hpp"
#include "support/tcp_peers.hpp"

namespace tenon::test {
namespace {

namespace asio = boost::asio;
using redis::Connection;
using redis::ConnectionError;
using redis::Reply;
using redis::TimeoutError;
using std::chrono::milliseconds;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

Monotonic soon(milliseconds wait = std::chrono::seconds(5)) { return monotonic_now() + wait; }

class RedisConnection : public testing::Test {
 protected:
  std::shared_ptr<Connection> open(const std::string& url, const std::string& ca_file = {},
                                   milliseconds patience = std::chrono::seconds(5)) {
    const auto address = redis::parse_address(url);
    EXPECT_TRUE(address) << address.error();
    const auto tls = address->transport == redis::Address::Transport::tls ? redis::client_tls(ca_file) : nullptr;
    return await_result(io, Connection::open(io.get_executor(), *address, tls, soon(patience)));
  }
  // Why it could not be opened.
  std::string refusal(const std::string& url, const std::string& ca_file = {},
                      milliseconds patience = std::chrono::seconds(5)) {
    try {
      open(url, ca_file, patience);
      return "opened";
    } catch (const ConnectionError& error) {
      return error.what();
    }
  }
  Reply ask(Connection& connection, std::vector<std::string_view> parts,
            milliseconds patience = std::chrono::seconds(5)) {
    return await_result(io, connection.call(parts, soon(patience)));
  }

  asio::io_context io{1};
};

std::string local(const MutePeer& peer) { return "redis://127.0.0.1:" + std::to_string(peer.port()); }

TEST_F(RedisConnection, SpeaksOverTcpAUnixSocketAndTls) {
  const RedisServer plain;
  const RedisServer encrypted({.tls = true});
  for (const auto& [url, ca_file] : std::vector<std::pair<std::string, std::string>>{
           {plain.url(), ""}, {"unix:" + plain.socket().string(), ""}, {encrypted.url(), encrypted.certificate()}}) {
    const auto connection = open(url, ca_file);
    EXPECT_EQ(ask(*connection, {"SET", "key", std::string_view("v\0\r\n", 4)}).text, "OK") << url;
    EXPECT_EQ(ask(*connection, {"GET", "key"}).text, std::string_view("v\0\r\n", 4)) << url;
    EXPECT_EQ(ask(*connection, {"GET", "nothing"}).kind, Reply::Kind::nil) << url;
    EXPECT_EQ(ask(*connection, {"NOSUCHCOMMAND"}).error_name(), "ERR") << url;
    EXPECT_TRUE(connection->usable());
  }
}

TEST_F(RedisConnection, LogsInAndSelectsItsDatabase) {
  const RedisServer server({.password = "p@ss/word"});
  server.ask({"ACL", "SETUSER", "edge", "on", ">other", "~*", "+@all"});
  const std::string host = "127.0.0.1:" + std::to_string(server.port());

  const auto connection = open("redis://:p%40ss%2Fword@" + host + "/3");
  ask(*connection, {"SET", "where", "three"});
  EXPECT_EQ(ask(*open("redis://edge:other@" + host + "/3"), {"GET", "where"}).text, "three");
  EXPECT_EQ(ask(*open("redis://edge:other@" + host), {"GET", "where"}).kind, Reply::Kind::nil);

  EXPECT_THAT(refusal("redis://:wrong@" + host), HasSubstr("WRONGPASS"));
  EXPECT_THAT(refusal("redis://edge:p%40ss%2Fword@" + host), HasSubstr("WRONGPASS"));
  EXPECT_THAT(refusal("redis://" + host), HasSubstr("NOAUTH"));
  EXPECT_THAT(refusal("redis://:p%40ss%2Fword@" + host + "/99"), HasSubstr("DB index"));
  EXPECT_THAT(refusal("redis://:hunter2@" + host), Not(HasSubstr("hunter2")));
}

TEST_F(RedisConnection, OverTlsVerifiesTheServer) {
  const RedisServer server({.tls = true});
  const std::string port = std::to_string(server.port());
  EXPECT_THAT(refusal(server.url()), HasSubstr("certificate verify failed"));  // nobody knows who signed it
  EXPECT_THAT(refusal("rediss://127.0.0.1:" + port, server.certificate()), HasSubstr("certificate verify failed"))
      << "it is for localhost";
  EXPECT_NE(refusal("redis://127.0.0.1:" + port), "opened") << "plain text to a TLS port";
  const RedisServer plain;
  EXPECT_NE(refusal("rediss://127.0.0.1:" + std::to_string(plain.port()), server.certificate(), milliseconds(200)),
            "opened");
  EXPECT_THROW(redis::client_tls("/nowhere.pem"), std::runtime_error);
}

TEST_F(RedisConnection, CarriesManyCallsAtOnceAndMatchesTheirRepliesInOrder) {
  const RedisServer server;
  const auto connection = open(server.url());
  int right = 0;
  const auto echo = [](std::shared_ptr<Connection> to, std::string text, int& count) -> asio::awaitable<void> {
    const std::vector<std::string_view> parts{"ECHO", text};
    const Reply reply = co_await to->call(parts, soon(std::chrono::minutes(1)));
    count += reply.text == text ? 1 : 0;
  };
  const auto reads = [&server] {
    const std::string stats = server.ask({"INFO", "stats"}).text;
    const std::size_t at = stats.find("total_reads_processed:");
    return std::stoi(stats.substr(at + std::string_view("total_reads_processed:").size()));
  };
  const int before = reads();
  for (int i = 0; i < 5'000; ++i) asio::co_spawn(io, echo(connection, std::to_string(i), right), asio::detached);
  while (right < 5'000 && io.run_one_for(std::chrono::minutes(1)) > 0) continue;
  EXPECT_EQ(right, 5'000);
  EXPECT_LT(reads() - before, 100) << "one write carries what one turn of the loop has to say";
}

TEST_F(RedisConnection, TakesOnlySoManyCallsAtOnce) {
  const RedisServer server;
  const auto connection = open(server.url());
  struct {
    std::size_t answered = 0, refused = 0;
  } counts;
  const auto ping = [](std::shared_ptr<Connection> to, auto& count) -> asio::awaitable<void> {
    const std::vector<std::string_view> parts{"PING"};
    try {
      std::ignore = co_await to->call(parts, soon(std::chrono::minutes(1)));
      ++count.answered;
    } catch (const ConnectionError&) {
      ++count.refused;
    }
  };
  const std::size_t all = limits::redis_calls_max + 7;
  for (std::size_t i = 0; i < all; ++i) asio::co_spawn(io, ping(connection, counts), asio::detached);
  while (counts.answered + counts.refused < all && io.run_one_for(std::chrono::minutes(1)) > 0) continue;
  EXPECT_EQ(counts.refused, 7U);
  EXPECT_EQ(ask(*connection, {"PING"}).text, "PONG") << "one too many is no reason to end the connection";
}

TEST_F(RedisConnection, IsGivenUpWhenAnAnswerIsLate) {
  const RedisServer server;
  const auto connection = open(server.url());
  server.freeze();
  const auto begun = monotonic_now();
  EXPECT_THROW(ask(*connection, {"PING"}, milliseconds(30)), TimeoutError);
  EXPECT_GE(monotonic_now() - begun, milliseconds(30));
  EXPECT_LT(monotonic_now() - begun, milliseconds(4'000));
  EXPECT_FALSE(connection->usable());
  EXPECT_THROW(ask(*connection, {"PING"}), TimeoutError) << "at once, although Redis is back";
  server.thaw();
}

TEST_F(RedisConnection, EndsAllCallsWhenOneIsLate) {
  const RedisServer server;
  const auto connection = open(server.url());
  server.freeze();
  int late = 0;
  const auto ping = [](std::shared_ptr<Connection> to, milliseconds patience, int& count) -> asio::awaitable<void> {
    const std::vector<std::string_view> parts{"PING"};
    try {
      std::ignore = co_await to->call(parts, soon(patience));
    } catch (const TimeoutError&) {
      ++count;
    }
  };
  const auto begun = monotonic_now();
  for (const int patience : {60'000, 20, 60'000}) {
    asio::co_spawn(io, ping(connection, milliseconds(patience), late), asio::detached);
  }
  while (late < 3 && io.run_one_for(std::chrono::seconds(5)) > 0) continue;
  EXPECT_EQ(late, 3);
  EXPECT_LT(monotonic_now() - begun, milliseconds(30'000)) << "two of them had a minute";
  server.thaw();
}

TEST_F(RedisConnection, HasADeadlineForEachCallNotForAll) {
  const RedisServer server;
  const auto connection = open(server.url());
  // Timers of calls that were answered long ago must not end those that come later.
  for (int i = 0; i < 50; ++i) EXPECT_EQ(ask(*connection, {"PING"}, milliseconds(200)).text, "PONG");
  EXPECT_EQ(ask(*connection, {"BLPOP", "nothing", "0.4"}, milliseconds(2'000)).kind, Reply::Kind::nil)
      << "longer than the deadlines before it";
}

TEST_F(RedisConnection, FailsTheCallsUnderWayWhenTheServerDies) {
  RedisServer server;
  const auto connection = open(server.url());
  std::string failure;
  const auto block = [](std::shared_ptr<Connection> to, std::string& why) -> asio::awaitable<void> {
    const std::vector<std::string_view> parts{"BLPOP", "nothing", "0"};
    try {
      std::ignore = co_await to->call(parts, soon());
    } catch (const ConnectionError& error) {
      why = error.what();
    }
  };
  asio::co_spawn(io, block(connection, failure), asio::detached);
  io.run_for(milliseconds(50));
  server.kill_hard();
  EXPECT_THAT(await_result(io, connection->ended()), HasSubstr("lost"));
  while (failure.empty() && io.run_one_for(std::chrono::seconds(5)) > 0) continue;
  EXPECT_THAT(failure, HasSubstr("lost"));
  EXPECT_THAT(refusal(server.url()), HasSubstr("refused"));
}

TEST_F(RedisConnection, GivesUpOnPeersThatAreNoRedis) {
  const MutePeer mute;
  EXPECT_THAT(refusal(local(mute), {}, milliseconds(100)), HasSubstr("deadline"));
  const FullPeer full;
  EXPECT_THAT(refusal(local(full), {}, milliseconds(100)), HasSubstr("deadline"));
  EXPECT_THAT(refusal("rediss://127.0.0.1:" + std::to_string(mute.port()), {}, milliseconds(100)),
              HasSubstr("deadline"));
  EXPECT_THAT(refusal("redis://127.0.0.1:" + std::to_string(free_port())), HasSubstr("refused"));
  EXPECT_THAT(refusal("redis://no-such-host.invalid", {}, milliseconds(1'000)), HasSubstr("cannot be resolved"));
  EXPECT_THAT(refusal("unix:/nowhere/redis.sock"), HasSubstr("No such file"));
  const RedisServer server;
  TcpProxy proxy(server.port());
  proxy.set(TcpProxy::Mode::garbage);
  EXPECT_THAT(refusal("redis://127.0.0.1:" + std::to_string(proxy.port())), HasSubstr("not an answer of Redis"));
}

TEST_F(RedisConnection, EndsAtTheFirstAnswerThatIsNone) {
  const RedisServer server;
  TcpProxy proxy(server.port());
  const auto connection = open("redis://127.0.0.1:" + std::to_string(proxy.port()));
  EXPECT_EQ(ask(*connection, {"PING"}).text, "PONG");
  proxy.set(TcpProxy::Mode::garbage);
  EXPECT_THROW(ask(*connection, {"PING"}), ConnectionError);
  EXPECT_FALSE(connection->usable());
}

TEST_F(RedisConnection, PrefersThePrimaryAmongItsHosts) {
  const RedisServer primary;
  RedisServer replica;
  replica.replicate(primary);
  const auto at = [](const RedisServer& server) { return "127.0.0.1:" + std::to_string(server.port()); };
  const std::string dead = "127.0.0.1:" + std::to_string(free_port());
  const auto connection = open("redis://" + dead + "," + at(replica) + "," + at(primary));
  EXPECT_EQ(ask(*connection, {"SET", "key", "value"}).text, "OK");
  EXPECT_THAT(refusal("redis://" + at(replica)), HasSubstr("replica"));
  EXPECT_THAT(refusal("redis://" + at(primary) + "," + at(replica)), "opened");
}

TEST_F(RedisConnection, DoesNotWaitForAHostThatHangsLongerThanItsShareOfTheTime) {
  const FullPeer full;
  const RedisServer server;
  const auto connection =
      open("redis://127.0.0.1:" + std::to_string(full.port()) + ",127.0.0.1:" + std::to_string(server.port()), {},
           milliseconds(4'000));
  EXPECT_TRUE(connection->usable());
}

}  // namespace
}  // namespace tenon::test
