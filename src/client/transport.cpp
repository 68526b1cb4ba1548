#include "client/transport.hpp"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <cerrno>
#include <map>
#include <vector>

namespace tenon::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Resolver = asio::ip::tcp::resolver;
using std::chrono::milliseconds;

// host and port of an authority; the brackets of an IPv6 address are not part of its host.
std::pair<std::string, std::string> address_of(const signature::OutgoingRequest& request) {
  const std::string& authority = request.host;
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  const bool with_port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  std::string host = authority.substr(0, with_port ? colon : std::string::npos);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return {host, with_port ? authority.substr(colon + 1) : request.secure ? "443" : "80"};
}

class Connection {
 public:
  virtual ~Connection() = default;
  virtual asio::awaitable<Answered> exchange(const signature::OutgoingRequest& request, Monotonic until) = 0;
  // Whether another request may go over it: the last one was answered, and nothing more has come since, neither the end
  // of the connection nor bytes, which would be taken for the next answer (RFC 9112 section 6.3).
  [[nodiscard]] virtual bool reusable() noexcept = 0;
};

bool is_quiet(beast::tcp_stream& stream) noexcept {
  char byte = 0;
  return ::recv(stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

bool is_quiet(beast::ssl_stream<beast::tcp_stream>& stream) noexcept {
  const SSL* ssl = stream.native_handle();
  return SSL_has_pending(ssl) == 0 && BIO_ctrl_pending(SSL_get_rbio(ssl)) == 0 && is_quiet(stream.next_layer());
}

beast::http::request<beast::http::string_body> message_of(const signature::OutgoingRequest& request) {
  beast::http::request<beast::http::string_body> message;
  const std::string_view method = http::name_of(request.method);
  message.method_string({method.data(), method.size()});
  message.target(request.target);
  message.version(11);
  for (const auto& [name, value] : request.headers) message.insert(name, value);
  message.body() = request.body;
  message.prepare_payload();
  return message;
}

Answered answer_of(beast::http::response<beast::http::string_body> response) {
  Answered answer{.status = static_cast<std::uint16_t>(response.result_int()), .headers = {}, .body = {}};
  for (const auto& field : response) answer.headers.emplace_back(field.name_string(), field.value());
  answer.body = std::move(response.body());
  return answer;
}

template <class Stream>
class ConnectionOver final : public Connection {
 public:
  explicit ConnectionOver(Stream stream) : stream_(std::move(stream)) {}

  Stream& stream() noexcept { return stream_; }

  asio::awaitable<Answered> exchange(const signature::OutgoingRequest& request, Monotonic until) override {
    answered_ = false;
    // What the socket takes at once is sent, however late it is.
    if (monotonic_now() >= until) throw boost::system::system_error(asio::error::timed_out);
    beast::get_lowest_layer(stream_).expires_at(until);
    auto message = message_of(request);
    co_await beast::http::async_write(stream_, message, asio::use_awaitable);
    Answered answer = co_await final_answer(request.method == http::Method::head);
    beast::get_lowest_layer(stream_).expires_never();
    co_return answer;
  }

  bool reusable() noexcept override { return answered_ && buffer_.size() == 0 && is_quiet(stream_); }

 private:
  // Behind answers that only say that it is to come, asked for or not (RFC 9110 section 15.2). 101 is none of these:
  // what follows it is another protocol, and no request here asks for one.
  asio::awaitable<Answered> final_answer(bool without_body) {
    for (int interim = 0; interim <= interim_answers_max; ++interim) {
      beast::http::response_parser<beast::http::string_body> parser;
      parser.body_limit(answer_bytes_max);
      parser.skip(without_body);
      co_await beast::http::async_read(stream_, buffer_, parser, asio::use_awaitable);
      const unsigned status = parser.get().result_int();
      if (status == 101) throw boost::system::system_error(beast::http::error::bad_status, "an upgrade not asked for");
      if (status / 100 == 1) continue;
      answered_ = parser.keep_alive();
      co_return answer_of(parser.release());
    }
    throw boost::system::system_error(beast::http::error::bad_status, "too many answers before the final one");
  }

  Stream stream_;
  beast::flat_buffer buffer_;
  bool answered_ = false;  // in full, and the server keeps the connection open
};

class BeastTransport final : public Transport {
 public:
  BeastTransport(asio::any_io_executor executor, const std::string& authorities_file)
      : executor_(std::move(executor)), tls_(asio::ssl::context::tls_client) {
    SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION);
    tls_.set_verify_mode(asio::ssl::verify_peer);
    if (authorities_file.empty()) {
      tls_.set_default_verify_paths();
    } else {
      tls_.load_verify_file(authorities_file);
    }
  }

  asio::awaitable<Answered> exchange(const signature::OutgoingRequest& request, milliseconds deadline) override {
    const Monotonic until = monotonic_now() + deadline;
    const std::string place = (request.secure ? "https://" : "http://") + request.host;
    std::unique_ptr<Connection> connection = take_idle(place);
    if (connection == nullptr) {
      connection = co_await open(request, until);
      co_return co_await exchange_over(std::move(connection), place, request, until);
    }
    try {
      co_return co_await exchange_over(std::move(connection), place, request, until);
    } catch (const boost::system::system_error&) {
      // Its server was restarted, perhaps, or is out of reach: then the others are as dead, and each would cost an
      // attempt.
      idle_.erase(place);
      throw;
    }
  }

 private:
  asio::awaitable<Answered> exchange_over(std::unique_ptr<Connection> connection, std::string place,
                                          const signature::OutgoingRequest& request, Monotonic until) {
    Answered answer = co_await connection->exchange(request, until);
    auto& idle = idle_[place];
    if (connection->reusable() && idle.size() < idle_connections_max) idle.push_back(std::move(connection));
    co_return answer;
  }

  std::unique_ptr<Connection> take_idle(const std::string& place) {
    auto& idle = idle_[place];
    while (!idle.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle.back());
      idle.pop_back();
      if (connection->reusable()) return connection;
    }
    return nullptr;
  }

  struct Lookup {
    Lookup(const asio::any_io_executor& executor, Monotonic until) : resolver(executor), timer(executor, until) {}
    Resolver resolver;
    asio::steady_timer timer;
    boost::system::error_code error = asio::error::timed_out;
    Resolver::results_type found;
  };

  // A look-up cannot be stopped, only left behind: what is awaited is the timer, which the look-up's end cancels.
  asio::awaitable<Resolver::results_type> resolve(std::string host, std::string port, Monotonic until) {
    const auto lookup = std::make_shared<Lookup>(executor_, until);
    lookup->resolver.async_resolve(host, port,
                                   [lookup](boost::system::error_code error, const Resolver::results_type& found) {
                                     lookup->error = error;
                                     lookup->found = found;
                                     lookup->timer.cancel();
                                   });
    co_await lookup->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (lookup->error) throw boost::system::system_error(lookup->error);
    co_return lookup->found;
  }

  asio::awaitable<std::unique_ptr<Connection>> open(const signature::OutgoingRequest& request, Monotonic until) {
    const auto [host, port] = address_of(request);
    const auto places = co_await resolve(host, port, until);
    beast::tcp_stream tcp(executor_);
    tcp.expires_at(until);
    co_await tcp.async_connect(places, asio::use_awaitable);
    tcp.socket().set_option(asio::ip::tcp::no_delay(true));
    if (!request.secure) co_return std::make_unique<ConnectionOver<beast::tcp_stream>>(std::move(tcp));
    using Tls = beast::ssl_stream<beast::tcp_stream>;
    auto connection = std::make_unique<ConnectionOver<Tls>>(Tls(std::move(tcp), tls_));
    Tls& stream = connection->stream();
    if (SSL_set_tlsext_host_name(stream.native_handle(), host.c_str()) != 1) {
      throw boost::system::system_error(asio::error::invalid_argument, "server name");
    }
    stream.set_verify_callback(asio::ssl::host_name_verification(host));
    const auto [failed] =
        co_await stream.async_handshake(asio::ssl::stream_base::client, asio::as_tuple(asio::use_awaitable));
    const long verdict = SSL_get_verify_result(stream.native_handle());
    if (failed && verdict != X509_V_OK) {
      throw UntrustedServer(request.host + ": its certificate: " + X509_verify_cert_error_string(verdict));
    }
    if (failed) throw boost::system::system_error(failed);
    co_return connection;
  }

  asio::any_io_executor executor_;
  asio::ssl::context tls_;
  std::map<std::string, std::vector<std::unique_ptr<Connection>>> idle_;  // by scheme and authority
};

}  // namespace

std::unique_ptr<Transport> make_transport(asio::any_io_executor executor, const std::string& authorities_file) {
  return std::make_unique<BeastTransport>(std::move(executor), authorities_file);
}

}  // namespace tenon::client
