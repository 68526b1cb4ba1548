// What all connections of one server share, and the gate they pass in and out by.
#pragma once

#include <atomic>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "http/peers.hpp"
#include "http/server.hpp"

namespace tenon::http {

class ServerState {
 public:
  ServerState(ServerSettings settings_in, Handler handler_in, Observer observer_in, Logger& log_in);

  const ServerSettings settings;
  const Handler handler;
  const Observer observer;
  Logger& log;
  std::optional<boost::asio::ssl::context> tls;

  [[nodiscard]] std::size_t connections() const noexcept { return admitted_.load(std::memory_order_relaxed); }

  // No connection enters from now on; `ended` is called once, when the last one has left or by force_end().
  void shut(std::function<void()> ended);
  void force_end() { end(); }
  void forget_end() noexcept { ended_.store(true); }  // nobody is there to be told any more

 private:
  friend class Seat;
  void leave() noexcept;
  void end();

  Peers peers_;
  std::atomic<std::size_t> seated_{0};  // all connections, with those that are only being told to go away
  std::atomic<std::size_t> admitted_{0};
  std::atomic<bool> shut_{false};
  std::atomic<bool> ended_{false};
  std::function<void()> on_end_;
};

// One connection's place: taken when it is accepted, given back when the seat is destroyed.
class Seat {
 public:
  // Nothing when there is not even room to refuse it politely. Called by the acceptor's thread only.
  [[nodiscard]] static std::optional<Seat> take(const std::shared_ptr<ServerState>& server,
                                                const boost::asio::ip::address& peer);
  ~Seat();
  Seat(Seat&& other) noexcept = default;
  Seat& operator=(Seat&&) = delete;

  [[nodiscard]] bool admitted() const noexcept { return admitted_; }
  [[nodiscard]] ServerState& server() const noexcept { return *server_; }

 private:
  Seat(std::shared_ptr<ServerState> server, Peers::Key peer, bool admitted);
  std::shared_ptr<ServerState> server_;
  Peers::Key peer_;
  bool admitted_;
};

}  // namespace tenon::http
