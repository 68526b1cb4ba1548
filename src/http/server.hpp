// The HTTP/1.1 server: listens, frames requests strictly, holds every deadline, and hands whole requests to one
// handler.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "http/message.hpp"

namespace tenon::http {

// Answers one request. Runs on the io_context of the connection it came over; may suspend. What it throws is logged and
// answered with 500 internal_error: nothing of it reaches the client.
using Handler = std::function<boost::asio::awaitable<Response>(const Request&)>;

// Told of every answer, also of those to requests that never reached the handler. Called on the connection's thread.
struct Finished {
  const Request* request;  // null when the bytes were not a request
  const Response* response;
  std::chrono::steady_clock::duration took;  // from the last byte of the request to the answer
};
using Observer = std::function<void(const Finished&)>;

struct ServerSettings {
  std::string listen = "127.0.0.1:8080";  // HOST:PORT; HOST an address or [v6] or localhost; port 0: any free one
  std::string tls_certificate = {};       // PEM chain; with tls_key: HTTPS only (TLS 1.2 and 1.3)
  std::string tls_key = {};
  std::size_t body_bytes_max = limits::body_bytes_max;
  std::chrono::milliseconds header_deadline = limits::header_deadline;
  std::chrono::milliseconds body_deadline = limits::body_deadline;
  std::chrono::milliseconds idle_deadline = limits::idle_deadline;
  std::chrono::milliseconds write_deadline = limits::write_deadline;
  std::size_t connections_max = limits::connections_max;
  std::size_t connections_per_peer_max = limits::connections_per_peer_max;
};

class Server {
 public:
  // Each io_context is run by exactly one thread of the caller's; connections are spread over them round robin. All
  // arguments outlive the server. Throws std::runtime_error when it can't listen or the TLS files don't fit.
  Server(std::span<boost::asio::io_context* const> contexts, ServerSettings settings, Handler handler,
         Observer observer, Logger& log);
  ~Server();  // only after the io_contexts have stopped
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void start();
  [[nodiscard]] std::uint16_t port() const noexcept;

  // Stops listening, closes idle connections, lets requests in flight finish (their answers say Connection: close),
  // then calls `stopped` once, on any thread. Connections still busy after `within` are cut.
  void stop(std::chrono::milliseconds within, std::function<void()> stopped);

  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tenon::http
