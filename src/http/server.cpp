#include "http/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>
#include <vector>

#include "base/vital.hpp"
#include "http/listen_address.hpp"
#include "http/server_state.hpp"
#include "http/session.hpp"

namespace tenon::http {

namespace asio = boost::asio;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type>;
using error_code = boost::system::error_code;

namespace {

// Out of descriptors: trying again at once would spin, giving up would be an outage.
constexpr std::chrono::milliseconds accept_pause{75};
// After the cut only a handler that doesn't return can hold a connection; nobody waits for that longer than this.
constexpr std::chrono::milliseconds cut_grace{250};

}  // namespace

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  Impl(std::span<asio::io_context* const> contexts, std::shared_ptr<ServerState> state_in);

  void listen();
  [[nodiscard]] static asio::awaitable<void> accept_all(std::shared_ptr<Impl> self);
  void welcome(const std::shared_ptr<Shard>& shard, Socket socket);
  void begin_stop(std::chrono::milliseconds within, std::function<void()> stopped);
  void cut();
  void end(const std::function<void()>& stopped);
  void forget_io();

  template <class Function>
  void on_every_shard(Function function) {
    for (const std::shared_ptr<Shard>& shard : shards)
      asio::post(shard->context(), [shard, function] { function(*shard); });
  }

  std::shared_ptr<ServerState> state;
  std::vector<std::shared_ptr<Shard>> shards;
  asio::io_context& first;
  // Let go of by ~Server: connections may outlive it, inside io_contexts that have stopped.
  std::optional<Acceptor> acceptor;
  std::optional<asio::steady_timer> pause;
  std::optional<asio::steady_timer> cut_timer;
  std::uint16_t port = 0;
  bool stopping = false;  // of the first context's thread
  std::atomic<bool> stop_asked{false};
};

Server::Impl::Impl(std::span<asio::io_context* const> contexts, std::shared_ptr<ServerState> state_in)
    : state(std::move(state_in)), first(*contexts.front()), acceptor(first), pause(first), cut_timer(first) {
  for (asio::io_context* context : contexts) shards.push_back(std::make_shared<Shard>(*context));
}

void Server::Impl::listen() {
  const auto endpoint = listen_address(state->settings.listen);
  try {
    acceptor->open(endpoint.protocol());
    acceptor->set_option(asio::socket_base::reuse_address(true));
    acceptor->bind(endpoint);
    // Else Asio would pass over a connection that was given up before it was accepted, and wait for the next one to
    // come, while others wait in the queue.
    acceptor->set_option(asio::socket_base::enable_connection_aborted(true));
    acceptor->listen(asio::socket_base::max_listen_connections);
    port = acceptor->local_endpoint().port();
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error("cannot listen on " + state->settings.listen + ": " + error.code().message());
  }
}

asio::awaitable<void> Server::Impl::accept_all(std::shared_ptr<Impl> self) {
  for (std::size_t turn = 0; !self->stopping; ++turn) {
    const std::shared_ptr<Shard>& shard = self->shards[turn % self->shards.size()];
    Socket socket(shard->context().get_executor());
    error_code error;
    co_await self->acceptor->async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (self->stopping) co_return;
    if (!error) {
      self->welcome(shard, std::move(socket));
      continue;
    }
    self->state->log.event(LogLevel::warning, "accept_failed", {{"error", std::string_view(error.message())}});
    self->pause->expires_after(accept_pause);
    co_await self->pause->async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

void Server::Impl::welcome(const std::shared_ptr<Shard>& shard, Socket socket) {
  error_code gone;
  const auto endpoint = socket.remote_endpoint(gone);
  if (gone) return;
  const asio::ip::address peer = unmapped(endpoint.address());
  auto seat = Seat::take(state, peer);
  if (!seat) return;
  asio::co_spawn(shard->context(), serve_connection(std::move(*seat), shard, std::move(socket), peer), asio::detached);
}

void Server::Impl::begin_stop(std::chrono::milliseconds within, std::function<void()> stopped) {
  stopping = true;
  error_code ignored;
  acceptor->close(ignored);
  pause->cancel();
  on_every_shard([](Shard& shard) { shard.begin_stop(); });
  cut_timer->expires_after(within);
  cut_timer->async_wait([self = shared_from_this()](const error_code& cancelled) {
    if (!cancelled) self->cut();
  });
  state->shut([self = weak_from_this(), stopped = std::move(stopped)] {
    if (const auto impl = self.lock()) impl->end(stopped);
  });
}

void Server::Impl::cut() {
  on_every_shard([](Shard& shard) { shard.cut_all(); });
  cut_timer->expires_after(cut_grace);
  cut_timer->async_wait([self = shared_from_this()](const error_code& cancelled) {
    if (!cancelled) self->state->force_end();
  });
}

void Server::Impl::end(const std::function<void()>& stopped) {
  on_every_shard([](Shard& shard) { shard.end_clock(); });
  asio::post(first, [self = shared_from_this()] {
    if (self->cut_timer) self->cut_timer->cancel();
  });
  stopped();
}

void Server::Impl::forget_io() {
  state->forget_end();
  acceptor.reset();
  pause.reset();
  cut_timer.reset();
  for (const auto& shard : shards) shard->forget_clock();
}

Server::Server(std::span<asio::io_context* const> contexts, ServerSettings settings, Handler handler, Observer observer,
               Logger& log) {
  if (contexts.empty()) throw std::runtime_error("a server needs an io_context");
  auto state = std::make_shared<ServerState>(std::move(settings), std::move(handler), std::move(observer), log);
  impl_ = std::make_shared<Impl>(contexts, std::move(state));
  impl_->listen();
}

Server::~Server() { impl_->forget_io(); }

void Server::start() {
  for (const auto& shard : impl_->shards) asio::co_spawn(shard->context(), Shard::run_clock(shard), vital);
  asio::co_spawn(impl_->first, Impl::accept_all(impl_), vital);
}

std::uint16_t Server::port() const noexcept { return impl_->port; }

void Server::stop(std::chrono::milliseconds within, std::function<void()> stopped) {
  if (impl_->stop_asked.exchange(true)) return;
  asio::post(impl_->first, [impl = impl_, within, stopped = std::move(stopped)]() mutable {
    impl->begin_stop(within, std::move(stopped));
  });
}

std::size_t Server::connections() const noexcept { return impl_->state->connections(); }

}  // namespace tenon::http
