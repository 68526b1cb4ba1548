#include "redis/client.hpp"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <random>

#include "redis/stream.hpp"

namespace tenon::redis {

namespace asio = boost::asio;

// What links share; outlives the client in coroutines that are on their way out.
struct Client::Shared {
  ClientSettings settings;
  std::vector<asio::io_context*> contexts;
  std::shared_ptr<asio::ssl::context> tls;
  std::atomic<bool> stopping = false;
  std::atomic<std::size_t> connected = 0;
  std::atomic<std::uint64_t> connects = 0;
  mutable std::mutex mutex;
  std::string last_failure;

  void failed(const std::string& reason) {
    const std::lock_guard lock(mutex);
    last_failure = reason;
  }
};

// One connection and its successors. Everything of it runs on its own context.
struct Client::Link : std::enable_shared_from_this<Link> {
  Link(std::shared_ptr<Shared> all, asio::io_context& where) : shared(std::move(all)), context(where), pause(where) {}

  std::shared_ptr<Shared> shared;
  asio::io_context& context;
  asio::steady_timer pause;
  std::shared_ptr<Connection> connection;  // null: none now
  std::minstd_rand random{std::random_device{}()};
  std::size_t next = 0;  // which of this context's links is asked next; used of the first alone

  static asio::awaitable<void> keep(std::shared_ptr<Link> link);
  asio::awaitable<std::string> connect_and_stay();
  [[nodiscard]] std::chrono::milliseconds pause_after(std::size_t failures);
  void end() {
    pause.cancel();
    if (connection) connection->close("the node stops");
  }
};

std::chrono::milliseconds Client::Link::pause_after(std::size_t failures) {
  const auto& settings = shared->settings;
  auto length = settings.backoff_least;
  for (std::size_t i = 1; i < failures && length < settings.backoff_most; ++i) length *= 2;
  length = std::min(length, settings.backoff_most);
  const auto more = std::uniform_int_distribution<std::int64_t>(0, length.count() / 2)(random);
  return length + std::chrono::milliseconds(more);
}

// Until the connection is lost; why. Throws when there was none to be had.
asio::awaitable<std::string> Client::Link::connect_and_stay() {
  connection = co_await Connection::open(context.get_executor(), shared->settings.address, shared->tls,
                                         monotonic_now() + shared->settings.connect_deadline);
  if (shared->stopping) connection->close("the node stops");
  ++shared->connected;
  ++shared->connects;
  const auto current = connection;
  std::string reason = co_await current->ended();
  --shared->connected;
  connection = nullptr;
  co_return reason;
}

asio::awaitable<void> Client::Link::keep(std::shared_ptr<Link> link) {
  std::size_t failures = 0;
  while (!link->shared->stopping) {
    try {
      const std::string reason = co_await link->connect_and_stay();
      link->shared->failed(reason);
      failures = 1;
    } catch (const ConnectionError& error) {
      link->shared->failed(error.what());
      ++failures;
    }
    if (link->shared->stopping) break;
    link->pause.expires_after(link->pause_after(failures));
    co_await link->pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

Client::Client(std::vector<asio::io_context*> contexts, ClientSettings settings) : shared_(std::make_shared<Shared>()) {
  if (settings.address.transport == Address::Transport::tls) shared_->tls = client_tls(settings.ca_file);
  shared_->settings = std::move(settings);
  shared_->contexts = std::move(contexts);
  for (asio::io_context* context : shared_->contexts) {
    auto& here = links_.emplace_back();
    for (std::size_t i = 0; i < std::max<std::size_t>(1, shared_->settings.connections_per_thread); ++i) {
      here.push_back(std::make_shared<Link>(shared_, *context));
    }
  }
}

Client::~Client() { stop(); }

void Client::start() {
  for (const auto& here : links_) {
    for (const auto& link : here) asio::co_spawn(link->context, Link::keep(link), asio::detached);
  }
}

void Client::stop() {
  if (shared_->stopping.exchange(true)) return;
  for (const auto& here : links_) {
    for (const auto& link : here) asio::post(link->context, [link] { link->end(); });
  }
}

asio::awaitable<Reply> Client::call(std::span<const std::string_view> parts, Monotonic deadline) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto* const here = &asio::query(executor, asio::execution::context);
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (shared_->contexts[i] != here) continue;
    Link& first = *links_[i].front();
    for (std::size_t tried = 0; tried < links_[i].size(); ++tried) {
      const auto connection = links_[i][first.next++ % links_[i].size()]->connection;
      if (!connection || !connection->usable()) continue;
      Reply reply = co_await connection->call(parts, deadline);
      if (reply.error_name() == "READONLY") connection->close(reply.text);
      co_return reply;
    }
  }
  const std::string reason = last_failure();
  throw ConnectionError(reason.empty() ? "no connection to Redis yet" : "no connection to Redis: " + reason);
}

std::size_t Client::connected() const noexcept { return shared_->connected; }

std::uint64_t Client::connects() const noexcept { return shared_->connects; }

std::string Client::last_failure() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->last_failure;
}

}  // namespace tenon::redis
