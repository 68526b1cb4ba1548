// tenon::Client's own connections, to a server that answers byte by byte what the test says. Both run on one thread, so
// that nothing depends on who is faster.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <deque>
#include <functional>
#include <latch>

#include <tenon/client.hpp>

#include "support/tls_server.hpp"

namespace {

std::latch* name_server = nullptr;  // who asks for slow.example waits for it

}  // namespace

// Before the system's own.
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
  static const auto own = reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  if (host != nullptr && std::string_view(host) == "slow.example") {
    name_server->wait();
    return EAI_AGAIN;
  }
  return own(host, service, hints, found);
}

namespace tenon::test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Outcome = std::expected<ClientAnswer, ClientFailure>;

const Certificates& certificates() {
  static const Certificates made;
  return made;
}

struct Asked {
  int connection = 0;  // 1: the first
  int request = 0;     // of that connection
  std::string target = {};
};

// Sent in one write.
struct Reply {
  std::string bytes = {};
  bool ends = false;  // the connection, afterwards
};

std::string answer(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class ScriptedServer {
 public:
  using Script = std::function<Reply(const Asked&)>;

  ScriptedServer(asio::io_context& context, Script script, bool over_tls = false)
      : script_(std::move(script)), over_tls_(over_tls), acceptor_(context, {asio::ip::address_v4::loopback(), 0}) {
    tls_.use_certificate_chain_file(certificates().path("server.pem"));
    tls_.use_private_key_file(certificates().path("server.key"), asio::ssl::context::pem);
    asio::co_spawn(context, accept(), asio::detached);
  }
  [[nodiscard]] std::string url() const {
    return (over_tls_ ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(acceptor_.local_endpoint().port());
  }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  asio::awaitable<void> accept() {
    for (;;) {
      tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
      asio::co_spawn(acceptor_.get_executor(), meet(std::move(socket), ++connections_), asio::detached);
    }
  }
  asio::awaitable<void> meet(tcp::socket socket, int connection) {
    if (!over_tls_) {
      co_await serve(socket, connection);
    } else {
      boost::beast::ssl_stream<tcp::socket> stream(std::move(socket), tls_);
      co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
      co_await serve(stream, connection);
    }
  }
  template <class Stream>
  asio::awaitable<void> serve(Stream& stream, int connection) {
    boost::beast::flat_buffer buffer;
    for (int request = 1;; ++request) {
      http::request<http::string_body> heard;
      const auto [gone, size] = co_await http::async_read(stream, buffer, heard, asio::as_tuple(asio::use_awaitable));
      if (gone) co_return;
      const Reply reply = script_({connection, request, std::string(heard.target())});
      co_await asio::async_write(stream, asio::buffer(reply.bytes), asio::use_awaitable);
      if (reply.ends) co_return;
    }
  }

  Script script_;
  bool over_tls_;
  int connections_ = 0;
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  tcp::acceptor acceptor_;
};

asio::awaitable<void> send_into(Client& client, ClientRequest request, std::optional<Outcome>& outcome) {
  outcome.emplace(co_await client.send(std::move(request)));
}

class ClientConnections : public testing::Test {
 protected:
  void serve(ScriptedServer::Script script, bool over_tls = false) {
    servers_.emplace_back(context_, std::move(script), over_tls);
    client_.emplace(context_.get_executor(), ClientSettings{.base_url = servers_.back().url(),
                                                            .authorities_file = certificates().authority(),
                                                            .backoff = {.first = std::chrono::milliseconds(1)},
                                                            .random = [] { return 0.0; }});
  }
  // All at once.
  std::vector<std::optional<Outcome>> get(const std::vector<std::string>& targets) {
    std::vector<std::optional<Outcome>> outcomes(targets.size());
    for (std::size_t i = 0; i < targets.size(); ++i) {
      asio::co_spawn(context_, send_into(*client_, {.target = targets[i]}, outcomes[i]), asio::detached);
    }
    const auto open = [&] { return std::ranges::any_of(outcomes, [](const auto& outcome) { return !outcome; }); };
    while (open() && context_.run_one_for(std::chrono::seconds(60)) != 0) continue;
    return outcomes;
  }
  Outcome get(const std::string& target) { return get(std::vector{target}).front().value(); }
  [[nodiscard]] int connections() const { return servers_.back().connections(); }

  asio::io_context context_{1};
  std::deque<ScriptedServer> servers_;  // earlier ones may still be accepting
  std::optional<Client> client_;
};

TEST_F(ClientConnections, WaitForTheFinalAnswerAfterThoseThatAreNot) {
  serve([](const Asked& asked) -> Reply {
    return {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n" +
            answer(asked.target)};
  });
  for (const char* target : {"/first", "/second", "/third"}) {
    const Outcome outcome = get(target);
    ASSERT_TRUE(outcome) << outcome.error().reason;
    EXPECT_EQ(outcome->answer.status, 200);
    EXPECT_EQ(outcome->answer.body, target);
    EXPECT_EQ(outcome->answer.header("Link"), nullptr) << "a hint is no part of the answer";
  }
  EXPECT_EQ(connections(), 1);
}

TEST_F(ClientConnections, EndWhenTheFinalAnswerDoesNotComeOrAnotherProtocolDoes) {
  const auto hints = [](int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += "HTTP/1.1 103 Early Hints\r\n\r\n";
    return all;
  };
  const struct {
    const char* what;
    std::string before;
    int attempts;
  } rows[] = {
      {"as many as are borne", hints(8), 1},
      {"one more", hints(9), 2},
      {"nobody asked for another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 2},
  };
  for (const auto& row : rows) {
    serve([&](const Asked& asked) -> Reply {
      return {(asked.connection == 1 ? row.before : "") + answer(asked.target)};
    });
    for (const char* target : {"/first", "/second"}) {
      const Outcome outcome = get(target);
      ASSERT_TRUE(outcome) << row.what << ": " << outcome.error().reason;
      EXPECT_EQ(outcome->answer.status, 200) << row.what;
      EXPECT_EQ(outcome->answer.body, target) << row.what;
      EXPECT_EQ(outcome->attempts, target == std::string("/first") ? row.attempts : 1) << row.what;
    }
    EXPECT_EQ(connections(), row.attempts) << row.what;
  }
}

TEST_F(ClientConnections, AreNotUsedAgainWhenMoreCameThanTheAnswer) {
  // One read takes up 512 bytes at first: what is beyond waits in the socket, or within TLS.
  std::string of_512_bytes = answer(std::string(400, 'x'));
  of_512_bytes = answer(std::string(400 + 512 - of_512_bytes.size(), 'x'));
  ASSERT_EQ(of_512_bytes.size(), 512U);
  const struct {
    const char* what;
    std::string first;
    bool over_tls;
  } rows[] = {{"in the client's buffer", answer("x"), false},
              {"in the socket", of_512_bytes, false},
              {"in the client's buffer, over TLS", answer("x"), true},
              {"within TLS", of_512_bytes, true}};
  for (const auto& row : rows) {
    serve(
        [&](const Asked& asked) -> Reply {
          return {asked.connection == 1 ? row.first + answer("strange") : answer("own")};
        },
        row.over_tls);
    ASSERT_TRUE(get("/first")) << row.what;
    const Outcome outcome = get("/second");
    ASSERT_TRUE(outcome) << row.what << ": " << outcome.error().reason;
    EXPECT_EQ(outcome->answer.body, "own") << row.what;
    EXPECT_EQ(outcome->attempts, 1) << row.what;
    EXPECT_EQ(connections(), 2) << row.what;
  }
}

TEST_F(ClientConnections, AreNotUsedAgainWhenTheirEndWasTheAnswersEnd) {
  serve([](const Asked& asked) -> Reply { return {.bytes = "HTTP/1.1 200 OK\r\n\r\n" + asked.target, .ends = true}; });
  for (const char* target : {"/first", "/second"}) {
    const Outcome outcome = get(target);
    ASSERT_TRUE(outcome) << outcome.error().reason;
    EXPECT_EQ(outcome->answer.body, target);
    EXPECT_EQ(outcome->attempts, 1);
  }
  EXPECT_EQ(connections(), 2);
}

TEST_F(ClientConnections, OfAServerThatForgotThemCostOneAttemptHoweverManyThereAre) {
  constexpr int many = 12;  // more than there are attempts
  serve([](const Asked& asked) -> Reply {
    if (asked.connection <= many && asked.request > 1) return {.ends = true};
    return {answer(asked.target)};
  });
  for (const auto& outcome : get(std::vector<std::string>(many, "/warm"))) {
    ASSERT_TRUE(outcome && *outcome);
    EXPECT_EQ((*outcome)->attempts, 1);
  }
  ASSERT_EQ(connections(), many);
  const Outcome outcome = get("/after");
  ASSERT_TRUE(outcome) << outcome.error().reason;
  EXPECT_EQ(outcome->answer.body, "/after");
  EXPECT_EQ(outcome->attempts, 2);
  EXPECT_EQ(connections(), many + 1);
}

TEST_F(ClientConnections, GiveUpANameThatIsLookedUpForTooLong) {
  std::latch found(1);
  name_server = &found;
  serve([](const Asked& asked) -> Reply { return {answer(asked.target)}; });
  client_.emplace(context_.get_executor(), ClientSettings{.base_url = "http://slow.example",
                                                          .attempts_max = 2,
                                                          .attempt_deadline = std::chrono::milliseconds(50),
                                                          .backoff = {.first = std::chrono::milliseconds(1)}});
  const auto outcome = get(std::vector<std::string>{"/"}).front();
  found.count_down();
  ASSERT_TRUE(outcome.has_value()) << "it still waits";
  ASSERT_FALSE(*outcome);
  EXPECT_EQ(outcome->error().attempts, 2);
}

TEST_F(ClientConnections, SendNothingOnceTheDeadlineHasPassed) {
  int asked_for = 0;
  serve([&](const Asked& asked) -> Reply {
    ++asked_for;
    return {answer(asked.target)};
  });
  const auto transport = client::make_transport(context_.get_executor());
  signature::OutgoingRequest request;
  ASSERT_TRUE(request.go_to(servers_.back().url() + "/"));
  request.set("Host", request.host);
  const auto status = [&](std::chrono::milliseconds deadline) {
    std::optional<unsigned> answered;
    asio::co_spawn(
        context_, transport->exchange(request, deadline),
        [&](std::exception_ptr lost, const client::Answered& answer) { answered = lost ? 0 : answer.status; });
    while (!answered && context_.run_one_for(std::chrono::seconds(60)) != 0) continue;
    return answered;
  };
  EXPECT_EQ(status(std::chrono::seconds(60)), 200U);
  EXPECT_EQ(status(std::chrono::milliseconds(0)), 0U) << "over the connection that is there";
  EXPECT_EQ(status(std::chrono::milliseconds(0)), 0U) << "over a new one";
  EXPECT_EQ(status(std::chrono::seconds(60)), 200U);
  EXPECT_EQ(asked_for, 2);
}

}  // namespace
}  // namespace tenon::test
