#include "http/server_state.hpp"

#include "http/tls.hpp"

namespace tenon::http {
namespace {

constexpr std::size_t turned_away_max = 64;  // connections above the limits that still hear why, at any one time

}  // namespace

ServerState::ServerState(ServerSettings settings_in, Handler handler_in, Observer observer_in, Logger& log_in)
    : settings(std::move(settings_in)), handler(std::move(handler_in)), observer(std::move(observer_in)), log(log_in) {
  if (!settings.tls_certificate.empty() || !settings.tls_key.empty())
    tls.emplace(tls_context(settings.tls_certificate, settings.tls_key));
}

void ServerState::shut(std::function<void()> ended) {
  on_end_ = std::move(ended);
  shut_.store(true);
  if (seated_.load() == 0) end();
}

void ServerState::leave() noexcept {
  if (seated_.fetch_sub(1) == 1 && shut_.load()) end();
}

void ServerState::end() {
  if (!ended_.exchange(true)) on_end_();
}

Seat::Seat(std::shared_ptr<ServerState> server, Peers::Key peer, bool admitted)
    : server_(std::move(server)), peer_(peer), admitted_(admitted) {
  server_->seated_.fetch_add(1);
  if (admitted_) server_->admitted_.fetch_add(1, std::memory_order_relaxed);
}

std::optional<Seat> Seat::take(const std::shared_ptr<ServerState>& server, const boost::asio::ip::address& peer) {
  const Peers::Key key = Peers::key_of(peer);
  const std::size_t admitted = server->connections();
  if (admitted < server->settings.connections_max &&
      server->peers_.admit(key, server->settings.connections_per_peer_max))
    return Seat(server, key, true);
  if (server->seated_.load() >= admitted + turned_away_max) return std::nullopt;
  return Seat(server, key, false);
}

Seat::~Seat() {
  if (!server_) return;
  if (admitted_) {
    server_->peers_.leave(peer_);
    server_->admitted_.fetch_sub(1, std::memory_order_relaxed);
  }
  server_->leave();
}

}  // namespace tenon::http
