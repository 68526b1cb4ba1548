#include "redis/stream.hpp"

#include <openssl/ssl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <stdexcept>

#include "redis/alarm.hpp"
#include "redis/errors.hpp"

namespace tenon::redis {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

// Over a Socket itself, or over TLS upon one.
template <class Layer>
class StreamOver final : public Stream {
 public:
  template <class... Arguments>
  explicit StreamOver(Arguments&&... arguments) : layer_(std::forward<Arguments>(arguments)...) {}

  void read_some(asio::mutable_buffer into, OnRead done) override { layer_.async_read_some(into, std::move(done)); }
  void write(asio::const_buffer bytes, OnWritten done) override {
    asio::async_write(layer_, bytes, [then = std::move(done)](error_code error, std::size_t) mutable { then(error); });
  }
  void close() noexcept override {
    error_code ignored;
    layer_.lowest_layer().close(ignored);
  }
  [[nodiscard]] Layer& layer() noexcept { return layer_; }

 private:
  Layer layer_;
};
using PlainStream = StreamOver<Socket>;
using TlsStream = StreamOver<ssl::stream<Socket>>;

void require(const error_code& error, const std::string& what) {
  if (error) throw std::runtime_error(what + ": " + error.message());
}

// A look-up cannot be stopped, only left behind: what is awaited is the timer, which the look-up's end cancels.
struct Lookup {
  Lookup(const asio::any_io_executor& executor, Monotonic deadline) : resolver(executor), timer(executor, deadline) {}
  asio::ip::tcp::resolver resolver;
  asio::steady_timer timer;
  asio::ip::tcp::resolver::results_type found;
};

[[nodiscard]] asio::generic::stream_protocol::endpoint endpoint_of(Address::Transport transport, const Target& target) {
  if (transport == Address::Transport::unix_socket) return asio::local::stream_protocol::endpoint(target.named.host);
  return asio::ip::tcp::endpoint(asio::ip::make_address(target.address), target.named.port);
}

[[nodiscard]] std::string name_of(const Target& target) {
  if (target.address.empty()) return target.named.host;
  return target.named.host + " port " + std::to_string(target.named.port);
}

// What the certificate must be good for, and, for a name, which of a server's certificates is meant (SNI).
void expect_host(ssl::stream<Socket>& stream, const std::string& host) {
  error_code not_numeric;
  asio::ip::make_address(host, not_numeric);
  if (not_numeric) SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());
  stream.set_verify_callback(ssl::host_name_verification(host));
}

[[noreturn]] void give_up(const Target& target, const Alarm& alarm, const error_code& error) {
  if (alarm.rung()) throw TimeoutError(name_of(target) + ": no connection within the deadline");
  throw ConnectionError(name_of(target) + ": " + error.message());
}

}  // namespace

std::shared_ptr<ssl::context> client_tls(const std::string& ca_file) {
  const auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  error_code error;
  if (ca_file.empty()) {
    context->set_default_verify_paths(error);
    require(error, "the system's certificate authorities");
  } else {
    context->load_verify_file(ca_file, error);
    require(error, "certificate authorities " + ca_file);
  }
  context->set_verify_mode(ssl::verify_peer);
  return context;
}

asio::awaitable<std::vector<Target>> resolve(asio::any_io_executor executor, Address::Transport transport,
                                             Endpoint endpoint, Monotonic deadline) {
  if (transport == Address::Transport::unix_socket) co_return std::vector<Target>{{.named = endpoint, .address = {}}};
  error_code not_numeric;
  const auto numeric = asio::ip::make_address(endpoint.host, not_numeric);
  if (!not_numeric) co_return std::vector<Target>{{.named = endpoint, .address = numeric.to_string()}};

  const auto lookup = std::make_shared<Lookup>(executor, deadline);
  lookup->resolver.async_resolve(endpoint.host, "",
                                 [lookup](error_code error, const asio::ip::tcp::resolver::results_type& found) {
                                   if (!error) lookup->found = found;
                                   lookup->timer.cancel();
                                 });
  co_await lookup->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  std::vector<Target> targets;
  for (const auto& entry : lookup->found) {
    targets.push_back({.named = endpoint, .address = entry.endpoint().address().to_string()});
  }
  co_return targets;
}

asio::awaitable<std::unique_ptr<Stream>> connect(asio::any_io_executor executor, Address::Transport transport,
                                                 Target target, std::shared_ptr<ssl::context> tls, Monotonic deadline) {
  auto plain = std::make_unique<PlainStream>(executor);
  Socket& socket = plain->layer();
  Stream* open = plain.get();
  Alarm alarm(executor, deadline, [&open] { open->close(); });

  const auto [refused] =
      co_await socket.async_connect(endpoint_of(transport, target), asio::as_tuple(asio::use_awaitable));
  if (refused) give_up(target, alarm, refused);
  error_code ignored;
  if (transport != Address::Transport::unix_socket) socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (transport != Address::Transport::tls) co_return plain;

  auto encrypted = std::make_unique<TlsStream>(std::move(socket), *tls);
  open = encrypted.get();
  expect_host(encrypted->layer(), target.named.host);
  const auto [failed] =
      co_await encrypted->layer().async_handshake(ssl::stream_base::client, asio::as_tuple(asio::use_awaitable));
  if (failed) give_up(target, alarm, failed);
  co_return encrypted;
}

}  // namespace tenon::redis
