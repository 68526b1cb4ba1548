#include "support/tls_server.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <stdexcept>

#include "support/child_program.hpp"

namespace tenon::test {

namespace asio = boost::asio;
namespace http = boost::beast::http;

Certificates::Certificates() {
  make({"-subj", "/CN=ours", "-out", authority(), "-keyout", path("authority.key")});
  make({"-CA", authority(), "-CAkey", path("authority.key"), "-subj", "/CN=localhost", "-addext",
        "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", "-out", path("server.pem"),
        "-keyout", path("server.key")});
}

void Certificates::make(const std::vector<std::string>& more) const {
  std::vector<std::string> command{"/usr/bin/openssl",        "req",    "-x509", "-newkey", "ec", "-pkeyopt",
                                   "ec_paramgen_curve:P-256", "-nodes", "-days", "1"};
  command.insert(command.end(), more.begin(), more.end());
  ChildProgram openssl(command, path("errors"));
  if (openssl.await_end(std::chrono::seconds(60)) != 0) throw std::runtime_error(openssl.errors());
}

TlsServer::TlsServer(const Certificates& certificates) {
  tls_.use_certificate_chain_file(certificates.path("server.pem"));
  tls_.use_private_key_file(certificates.path("server.key"), asio::ssl::context::pem);
  asio::co_spawn(context_, accept(), asio::detached);
  thread_ = std::jthread([this] { context_.run(); });
}

TlsServer::~TlsServer() { context_.stop(); }

std::vector<TlsServer::Seen> TlsServer::accepted() const {
  const std::lock_guard guard(mutex_);
  return accepted_;
}

TlsServer::Manner TlsServer::next_manner() {
  ++connections_;
  if (left_ == 0) return Manner::polite;
  if (left_ > 0) --left_;
  return manner_;
}

asio::awaitable<void> TlsServer::accept() {
  for (;;) {
    asio::ip::tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
    asio::co_spawn(context_, meet(std::move(socket), next_manner()), asio::detached);
  }
}

asio::awaitable<void> TlsServer::meet(asio::ip::tcp::socket socket, Manner manner) {
  std::array<char, 1> byte{};
  if (manner == Manner::mute) {
    asio::steady_timer never(context_, std::chrono::steady_clock::time_point::max());
    co_await never.async_wait(asio::as_tuple(asio::use_awaitable));
  } else if (manner == Manner::ends_at_hello) {
    co_await socket.async_read_some(asio::buffer(byte), asio::as_tuple(asio::use_awaitable));
  } else if (manner == Manner::plain) {
    co_await serve(socket);
  } else {
    boost::beast::ssl_stream<asio::ip::tcp::socket> stream(std::move(socket), tls_);
    const auto [failed] =
        co_await stream.async_handshake(asio::ssl::stream_base::server, asio::as_tuple(asio::use_awaitable));
    if (failed) co_return;
    if (manner == Manner::polite) {
      co_await serve(stream);
    } else {
      co_await stream.async_read_some(asio::buffer(byte), asio::as_tuple(asio::use_awaitable));
    }
  }
}

void TlsServer::note(Seen seen, unsigned status) {
  if (status < 200 || status > 299) {
    ++refused_;
    return;
  }
  const std::lock_guard guard(mutex_);
  accepted_.push_back(std::move(seen));
}

template <class Stream>
asio::awaitable<void> TlsServer::serve(Stream& stream) {
  boost::beast::flat_buffer buffer;
  for (;;) {
    http::request<http::string_body> request;
    const auto [broken, size] = co_await http::async_read(stream, buffer, request, asio::as_tuple(asio::use_awaitable));
    if (broken) co_return;
    const unsigned status = status_;
    note({request.method_string(), request.target(), request.body()}, status);
    http::response<http::string_body> response(static_cast<http::status>(status), 11, status == 204 ? "" : "heard");
    response.prepare_payload();
    const auto [unheard, written] = co_await http::async_write(stream, response, asio::as_tuple(asio::use_awaitable));
    if (unheard) co_return;
  }
}

}  // namespace tenon::test
