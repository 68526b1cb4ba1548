// tenon::Client over TLS, against servers that are what they say, and against others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <tenon/client.hpp>

#include "support/tls_server.hpp"

namespace tenon::test {
namespace {

namespace asio = boost::asio;
using Outcome = std::expected<ClientAnswer, ClientFailure>;
using Manner = TlsServer::Manner;
using std::chrono::milliseconds;
using testing::HasSubstr;

const Certificates& certificates() {
  static const Certificates made;
  return made;
}

ClientSettings to(const std::string& url, const std::string& authorities) {
  return {.base_url = url,
          .attempts_max = 3,
          .authorities_file = authorities,
          .backoff = {.first = milliseconds(1), .most = milliseconds(2)}};
}

asio::awaitable<void> send_into(Client& client, ClientRequest request, std::optional<Outcome>& outcome) {
  outcome.emplace(co_await client.send(std::move(request)));
}

Outcome send(asio::io_context& context, Client& client) {
  ClientRequest request{.method = http::Method::post, .target = "/api/orders", .body = "{}", .idempotency_key = "once"};
  std::optional<Outcome> outcome;
  asio::co_spawn(context, send_into(client, std::move(request), outcome), asio::detached);
  context.restart();
  context.run();
  return std::move(outcome).value();
}

Outcome send(ClientSettings settings) {
  asio::io_context context;
  Client client(context.get_executor(), std::move(settings));
  return send(context, client);
}

TEST(ClientOverTls, SpeaksWithAServerThatOurAuthorityVouchesForOverOneConnection) {
  TlsServer server(certificates());
  asio::io_context context;
  Client client(context.get_executor(), to(server.url(), certificates().authority()));
  for (int i = 0; i < 3; ++i) {
    const Outcome outcome = send(context, client);
    ASSERT_TRUE(outcome) << outcome.error().reason;
    EXPECT_EQ(outcome->answer.status, 200);
    EXPECT_EQ(outcome->answer.body, "heard");
    EXPECT_EQ(outcome->attempts, 1);
  }
  EXPECT_EQ(server.accepted().size(), 3U);
  EXPECT_EQ(server.accepted().front().target, "/api/orders");
  EXPECT_EQ(server.connections(), 1);
}

TEST(ClientOverTls, SendsNothingToAStrangerAndDoesNotAskAgain) {
  TlsServer server(certificates());
  const Certificates others;
  const struct {
    const char* what;
    std::string url, authorities;
  } rows[] = {
      {"the system knows no such authority", server.url(), ""},
      {"another authority", server.url(), others.authority()},
      {"the certificate is for another name", server.url("127.0.0.1"), certificates().authority()},
  };
  for (const auto& row : rows) {
    const Outcome outcome = send(to(row.url, row.authorities));
    ASSERT_FALSE(outcome) << row.what;
    EXPECT_THAT(outcome.error().reason, HasSubstr("certificate")) << row.what;
    EXPECT_EQ(outcome.error().attempts, 1) << row.what;
    EXPECT_EQ(outcome.error().idempotency_key, "once");
  }
  EXPECT_TRUE(server.accepted().empty());
  EXPECT_EQ(server.refused(), 0);
}

TEST(ClientOverTls, DoesNotSpeakInPlainToAServerThatDoes) {
  TlsServer server(certificates());
  server.set(Manner::plain);
  const Outcome outcome = send(to(server.url(), certificates().authority()));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().attempts, 3) << outcome.error().reason;
  EXPECT_TRUE(server.accepted().empty());
  EXPECT_EQ(server.connections(), 3);
}

TEST(ClientOverTls, AsksAgainWithTheSameKeyWhenTheConnectionEnds) {
  const struct {
    const char* what;
    Manner manner;
  } rows[] = {{"in the handshake", Manner::ends_at_hello}, {"when the request was sent", Manner::ends_at_once}};
  for (const auto& row : rows) {
    TlsServer server(certificates());
    server.set(row.manner, 1);
    const Outcome outcome = send(to(server.url(), certificates().authority()));
    ASSERT_TRUE(outcome) << row.what << ": " << outcome.error().reason;
    EXPECT_EQ(outcome->attempts, 2) << row.what;
    EXPECT_EQ(outcome->idempotency_key, "once");
    EXPECT_EQ(server.accepted().size(), 1U) << row.what;
  }
}

TEST(ClientOverTls, WaitsForAHandshakeNoLongerThanForAnAttempt) {
  TlsServer server(certificates());
  server.set(Manner::mute);
  ClientSettings settings = to(server.url(), certificates().authority());
  settings.attempt_deadline = milliseconds(100);
  const auto begun = monotonic_now();
  const Outcome outcome = send(settings);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().attempts, 3);
  EXPECT_GE(monotonic_now() - begun, milliseconds(250)) << "three attempts of a tenth of a second";
  EXPECT_LT(monotonic_now() - begun, std::chrono::seconds(30)) << "it would never have said anything";
}

TEST(ClientOverTls, SaysWhichAuthoritiesCannotBeRead) {
  asio::io_context context;
  EXPECT_THROW(Client(context.get_executor(), to("https://localhost", "/nowhere/ca.pem")), std::runtime_error);
}

}  // namespace
}  // namespace tenon::test
