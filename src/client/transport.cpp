#include "client/transport.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <map>
#include <vector>

namespace tenon::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
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
  virtual asio::awaitable<Answered> exchange(const signature::OutgoingRequest& request, milliseconds deadline) = 0;
  [[nodiscard]] bool reusable() const noexcept { return reusable_; }

 protected:
  bool reusable_ = false;
};

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

  asio::awaitable<Answered> exchange(const signature::OutgoingRequest& request, milliseconds deadline) override {
    reusable_ = false;
    beast::get_lowest_layer(stream_).expires_after(deadline);
    auto message = message_of(request);
    co_await beast::http::async_write(stream_, message, asio::use_awaitable);
    beast::http::response_parser<beast::http::string_body> parser;
    parser.body_limit(answer_bytes_max);
    parser.skip(request.method == http::Method::head);
    co_await beast::http::async_read(stream_, buffer_, parser, asio::use_awaitable);
    beast::get_lowest_layer(stream_).expires_never();
    reusable_ = parser.get().keep_alive();
    co_return answer_of(parser.release());
  }

 private:
  Stream stream_;
  beast::flat_buffer buffer_;
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
    auto& idle = idle_[place];
    std::unique_ptr<Connection> connection;
    if (!idle.empty()) {
      connection = std::move(idle.back());
      idle.pop_back();
    } else {
      connection = co_await open(request, until);
    }
    Answered answer = co_await connection->exchange(request, left(until));
    auto& pool = idle_[place];
    if (connection->reusable() && pool.size() < idle_connections_max) pool.push_back(std::move(connection));
    co_return answer;
  }

 private:
  static milliseconds left(Monotonic until) {
    return std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(until - monotonic_now()));
  }

  asio::awaitable<std::unique_ptr<Connection>> open(const signature::OutgoingRequest& request, Monotonic until) {
    const auto [host, port] = address_of(request);
    asio::ip::tcp::resolver resolver(executor_);
    const auto places = co_await resolver.async_resolve(host, port, asio::use_awaitable);
    beast::tcp_stream tcp(executor_);
    tcp.expires_after(left(until));
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
