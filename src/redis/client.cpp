#include "redis/client.hpp"

#include <algorithm>
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

#include "redis/slots.hpp"
#include "redis/stream.hpp"

namespace tenon::redis {

namespace asio = boost::asio;

// What links share; outlives the client in coroutines that are on their way out.
struct Client::Shared {
  ClientSettings settings;
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
  Link(std::shared_ptr<Shared> all, asio::io_context& where, Address to, bool of_a_cluster)
      : shared(std::move(all)), context(where), pause(where), address(std::move(to)), shard(of_a_cluster) {}

  std::shared_ptr<Shared> shared;
  asio::io_context& context;
  asio::steady_timer pause;
  Address address;
  bool shard;                                                // a server that a MOVED or ASK named
  std::shared_ptr<Connection> connection;                    // null: none now
  bool attempted = false;                                    // the first attempt has succeeded or failed
  bool given_up = false;                                     // nothing more will come of it
  std::vector<std::shared_ptr<asio::steady_timer>> waiting;  // for the first attempt; cancelled when it ends
  std::minstd_rand random{std::random_device{}()};

  static asio::awaitable<void> keep(std::shared_ptr<Link> link);
  asio::awaitable<std::string> connect_and_stay();
  [[nodiscard]] std::chrono::milliseconds pause_after(std::size_t failures);
  [[nodiscard]] std::shared_ptr<Connection> usable() const {
    return connection && connection->usable() ? connection : nullptr;
  }
  static asio::awaitable<void> first_attempt(std::shared_ptr<Link> link, Monotonic deadline);
  void tell_waiting() {
    attempted = true;
    for (const auto& timer : std::exchange(waiting, {})) timer->cancel();
  }
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
  connection = co_await Connection::open(context.get_executor(), address, shared->tls,
                                         monotonic_now() + shared->settings.connect_deadline);
  if (shared->stopping) connection->close("the node stops");
  ++shared->connected;
  ++shared->connects;
  const auto current = connection;
  tell_waiting();
  std::string reason = co_await current->ended();
  --shared->connected;
  connection = nullptr;
  co_return reason;
}

asio::awaitable<void> Client::Link::keep(std::shared_ptr<Link> link) {
  std::size_t failures = 0;
  Monotonic lost = monotonic_now();
  while (!link->shared->stopping) {
    try {
      const std::string reason = co_await link->connect_and_stay();
      link->shared->failed(reason);
      failures = 1;
      lost = monotonic_now();
    } catch (const ConnectionError& error) {
      link->shared->failed(error.what());
      ++failures;
    }
    link->tell_waiting();
    link->given_up = link->shard && monotonic_now() - lost > cluster_server_patience;
    if (link->shared->stopping || link->given_up) break;
    link->pause.expires_after(link->pause_after(failures));
    co_await link->pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

// Until there is a connection, or it is known that there is none, or the deadline.
asio::awaitable<void> Client::Link::first_attempt(std::shared_ptr<Link> link, Monotonic deadline) {
  if (link->attempted) co_return;
  const auto timer = std::make_shared<asio::steady_timer>(link->context, deadline);
  link->waiting.push_back(timer);
  co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
}

// What one context has. Touched by its thread alone.
struct Client::Here {
  asio::io_context& context;
  std::vector<std::shared_ptr<Link>> links;   // to what the settings name
  std::vector<std::shared_ptr<Link>> shards;  // servers of a cluster, by their number in `slots` less one; null: none
  Slots slots = {};
  std::size_t next = 0;  // which of the links is asked next

  [[nodiscard]] std::shared_ptr<Connection> any();
  [[nodiscard]] std::shared_ptr<Connection> for_slot(std::uint16_t slot);
  [[nodiscard]] std::shared_ptr<Link> follow(const Redirection& redirection, const std::shared_ptr<Shared>& shared);
  [[nodiscard]] std::size_t number_of(const Endpoint& server) const;
  void forget_given_up();
};

std::shared_ptr<Connection> Client::Here::any() {
  for (std::size_t tried = 0; tried < links.size(); ++tried) {
    if (auto connection = links[next++ % links.size()]->usable()) return connection;
  }
  for (const auto& shard : shards) {
    auto connection = shard ? shard->usable() : nullptr;
    if (connection) return connection;
  }
  return nullptr;
}

// Of its server; where that is not known or not there, of any: who is asked for what it does not have says who has it.
std::shared_ptr<Connection> Client::Here::for_slot(std::uint16_t slot) {
  forget_given_up();
  const std::size_t number = slots.at(slot);
  auto connection = number > 0 ? shards[number - 1]->usable() : nullptr;
  return connection ? connection : any();
}

void Client::Here::forget_given_up() {
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (!shards[i] || !shards[i]->given_up) continue;
    shards[i] = nullptr;
    slots.forget(i + 1);
  }
}

// Of a server that is there, or else of the first free place; 0: there is none.
std::size_t Client::Here::number_of(const Endpoint& server) const {
  const auto is_it = [&server](const auto& shard) { return shard && shard->address.endpoints.front() == server; };
  auto place = std::ranges::find_if(shards, is_it);
  if (place == shards.end()) place = std::ranges::find(shards, nullptr);
  const auto number = static_cast<std::size_t>(place - shards.begin()) + 1;
  return number <= cluster_servers_max ? number : 0;
}

// Null: there are too many of them.
std::shared_ptr<Client::Link> Client::Here::follow(const Redirection& redirection,
                                                   const std::shared_ptr<Shared>& shared) {
  forget_given_up();
  const std::size_t number = number_of(redirection.to);
  if (number == 0 || shared->stopping) return nullptr;
  if (number > shards.size()) shards.emplace_back();
  auto& shard = shards[number - 1];
  if (!shard) {
    Address address = shared->settings.address;
    if (address.transport == Address::Transport::unix_socket) address.transport = Address::Transport::tcp;
    address.endpoints = {redirection.to};
    address.database = 0;
    shard = std::make_shared<Link>(shared, context, std::move(address), true);
    asio::co_spawn(context, Link::keep(shard), asio::detached);
  }
  if (!redirection.once) slots.assign(redirection.slot, number);
  return shard;
}

Client::Client(std::vector<asio::io_context*> contexts, ClientSettings settings) : shared_(std::make_shared<Shared>()) {
  if (settings.address.transport == Address::Transport::tls) shared_->tls = client_tls(settings.ca_file);
  shared_->settings = std::move(settings);
  for (asio::io_context* context : contexts) {
    const auto& mine = here_.emplace_back(std::make_shared<Here>(Here{.context = *context, .links = {}, .shards = {}}));
    for (std::size_t i = 0; i < std::max<std::size_t>(1, shared_->settings.connections_per_thread); ++i) {
      mine->links.push_back(std::make_shared<Link>(shared_, *context, shared_->settings.address, false));
    }
  }
}

Client::~Client() { stop(); }

void Client::start() {
  for (const auto& mine : here_) {
    for (const auto& link : mine->links) asio::co_spawn(link->context, Link::keep(link), asio::detached);
  }
}

void Client::stop() {
  if (shared_->stopping.exchange(true)) return;
  for (const auto& mine : here_) {
    asio::post(mine->context, [mine] {
      for (const auto& link : mine->links) link->end();
      for (const auto& shard : mine->shards) {
        if (shard) shard->end();
      }
    });
  }
}

std::shared_ptr<Client::Here> Client::here(const asio::any_io_executor& executor) const {
  const auto* const context = &asio::query(executor, asio::execution::context);
  const auto mine = std::ranges::find_if(here_, [context](const auto& each) { return &each->context == context; });
  return mine == here_.end() ? nullptr : *mine;
}

void Client::throw_none() const {
  const std::string reason = last_failure();
  throw ConnectionError(reason.empty() ? "no connection to Redis yet" : "no connection to Redis: " + reason);
}

asio::awaitable<Reply> Client::call(std::span<const std::string_view> parts, Monotonic deadline) {
  const auto mine = here(co_await asio::this_coro::executor);
  const auto connection = mine ? mine->any() : nullptr;
  if (!connection) throw_none();
  Reply reply = co_await connection->call(parts, deadline);
  if (reply.error_name() == "READONLY") connection->close(reply.text);
  co_return reply;
}

asio::awaitable<Reply> Client::call_for(std::string_view key, std::span<const std::string_view> parts,
                                        Monotonic deadline) {
  const auto shared = shared_;
  const auto mine = here(co_await asio::this_coro::executor);
  const auto connection = mine ? mine->for_slot(slot_of(key)) : nullptr;
  if (!connection) throw_none();
  Reply reply = co_await connection->call(parts, deadline);
  if (reply.error_name() == "READONLY") connection->close(reply.text);
  const auto redirection = redirection_of(reply, connection->peer());
  const auto link = redirection ? mine->follow(*redirection, shared) : nullptr;
  if (!link) co_return reply;
  co_await Link::first_attempt(link, deadline);
  const auto other = link->usable();
  if (!other) throw ConnectionError("no connection to the server of the cluster that has the key");
  if (redirection->once) {
    reply = co_await other->call_asking(parts, deadline);
  } else {
    reply = co_await other->call(parts, deadline);
  }
  co_return reply;
}

bool Client::whole() const {
  for (const auto& mine : here_) {
    if (!mine->context.get_executor().running_in_this_thread()) continue;
    mine->forget_given_up();
    const auto sound = [](const auto& shard) { return !shard || shard->usable(); };
    return mine->any() != nullptr && std::ranges::all_of(mine->shards, sound);
  }
  return false;
}

std::size_t Client::connected() const noexcept { return shared_->connected; }

std::uint64_t Client::connects() const noexcept { return shared_->connects; }

std::string Client::last_failure() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->last_failure;
}

}  // namespace tenon::redis
