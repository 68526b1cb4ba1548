// A web server that keeps checkpoints: what it is sent, and what becomes of it when it is not what it should be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <exception>
#include <optional>
#include <thread>

#include "audit/sink.hpp"
#include "support/child_program.hpp"
#include "support/temporary_folder.hpp"

namespace tenon::audit {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using testing::HasSubstr;

// An authority of our own, and a certificate for localhost that it signed.
class Certificates {
 public:
  Certificates() {
    make({"-subj", "/CN=ours", "-out", authority(), "-keyout", path("authority.key")});
    make({"-CA", authority(), "-CAkey", path("authority.key"), "-subj", "/CN=localhost", "-addext",
          "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", "-out", path("server.pem"),
          "-keyout", path("server.key")});
  }
  [[nodiscard]] std::string authority() const { return path("authority.pem"); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }

 private:
  void make(const std::vector<std::string>& more) const {
    std::vector<std::string> command{"/usr/bin/openssl",        "req",    "-x509", "-newkey", "ec", "-pkeyopt",
                                     "ec_paramgen_curve:P-256", "-nodes", "-days", "1"};
    command.insert(command.end(), more.begin(), more.end());
    test::ChildProgram openssl(command, path("errors"));
    if (openssl.await_end(std::chrono::seconds(60)) != 0) throw std::runtime_error(openssl.errors());
  }
  test::TemporaryFolder folder_;
};

const Certificates& certificates() {
  static const Certificates made;
  return made;
}

// Answers every request on 127.0.0.1 with one status, or with nothing at all.
class Place {
 public:
  explicit Place(std::optional<unsigned> status) : status_(status) {
    tls_.use_certificate_chain_file(certificates().path("server.pem"));
    tls_.use_private_key_file(certificates().path("server.key"), asio::ssl::context::pem);
    asio::co_spawn(context_, accept(), asio::detached);
    thread_ = std::jthread([this] { context_.run(); });
  }
  ~Place() { context_.stop(); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  [[nodiscard]] std::string url(const std::string& host, const std::string& target) const {
    return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + target;
  }
  // Once a publication has returned.
  [[nodiscard]] const std::optional<http::request<http::string_body>>& received() const { return received_; }

 private:
  asio::awaitable<void> accept() {
    for (;;) {
      asio::ip::tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
      asio::co_spawn(context_, serve(std::move(socket)), asio::detached);
    }
  }
  asio::awaitable<void> serve(asio::ip::tcp::socket socket) {
    boost::beast::ssl_stream<asio::ip::tcp::socket> stream(std::move(socket), tls_);
    co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    co_await http::async_read(stream, buffer, request, asio::use_awaitable);
    received_ = std::move(request);
    if (!status_) co_await asio::steady_timer(context_, std::chrono::minutes(5)).async_wait(asio::use_awaitable);
    http::response<http::string_body> response(static_cast<http::status>(*status_), 11, *status_ == 204 ? "" : "kept");
    response.prepare_payload();
    co_await http::async_write(stream, response, asio::use_awaitable);
  }

  std::optional<unsigned> status_;
  std::optional<http::request<http::string_body>> received_;
  asio::io_context context_{1};
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  asio::ip::tcp::acceptor acceptor_{context_, {asio::ip::make_address("127.0.0.1"), 0}};
  std::jthread thread_;
};

// Empty, or why not.
std::string publish(const std::string& url, const std::string& authorities,
                    std::chrono::milliseconds within = std::chrono::seconds(30)) {
  const auto sink = https_sink(url, authorities);
  Publication publication{.size = 3, .note = "tenon/x\n3\nroot\n\nsigned\n"};
  asio::io_context context;
  std::string said;
  asio::co_spawn(context, sink->publish(std::move(publication), monotonic_now() + within),
                 [&said](const std::exception_ptr& failure) {
                   try {
                     if (failure) std::rethrow_exception(failure);
                   } catch (const std::exception& error) {
                     said = error.what();
                   }
                 });
  context.run();
  return said;
}

TEST(HttpsSink, SendsTheNoteAsItIsToAServerThatOurAuthorityVouchesFor) {
  const Place place(204);
  const std::string url = place.url("localhost", "/checkpoints/7?log=a");
  EXPECT_EQ(publish(url, certificates().authority()), "");
  const auto& received = place.received();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->method(), http::verb::post);
  EXPECT_EQ(received->target(), "/checkpoints/7?log=a");
  EXPECT_EQ("https://" + std::string((*received)[http::field::host]) + "/checkpoints/7?log=a", url);
  EXPECT_EQ((*received)[http::field::content_type], "text/plain; charset=utf-8");
  EXPECT_EQ(received->body(), "tenon/x\n3\nroot\n\nsigned\n");
}

TEST(HttpsSink, TakesNoAnswerButOneOf2xxForDone) {
  for (const unsigned status : {200U, 201U, 299U}) {
    EXPECT_EQ(publish(Place(status).url("localhost", ""), certificates().authority()), "") << status;
  }
  for (const unsigned status : {301U, 307U, 404U, 503U}) {
    EXPECT_THAT(publish(Place(status).url("localhost", ""), certificates().authority()),
                HasSubstr("it answered " + std::to_string(status)));
  }
}

TEST(HttpsSink, SendsNothingToAStranger) {
  const Place place(200);
  EXPECT_THAT(publish(place.url("localhost", "/"), ""), HasSubstr("certificate verify failed"))
      << "the system knows no such authority";
  EXPECT_THAT(publish(place.url("127.0.0.1", "/"), certificates().authority()), HasSubstr("certificate verify failed"))
      << "the certificate is for another name";
  EXPECT_FALSE(place.received());
}

TEST(HttpsSink, GivesUpAtItsDeadline) {
  const Place silent({});
  EXPECT_THAT(publish(silent.url("localhost", "/"), certificates().authority(), std::chrono::milliseconds(300)),
              HasSubstr("timeout"));
  std::string gone;
  {
    const Place place(200);
    gone = place.url("localhost", "/");
  }
  EXPECT_THAT(publish(gone, certificates().authority()), HasSubstr("Connection refused"));
  EXPECT_THAT(publish("https://no-such-host.invalid/", certificates().authority(), std::chrono::seconds(2)),
              HasSubstr("cannot be resolved"));
}

}  // namespace
}  // namespace tenon::audit
