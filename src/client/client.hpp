// A client that keeps an Idempotency-Key over its retries and signs each of them anew.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "client/retry.hpp"
#include "client/transport.hpp"
#include "safeguards/signature/key.hpp"

namespace tenon {

// A user's key, as `tenon keys add` made it.
struct RequestSigner {
  signature::SigningKey key;
  std::string key_id;
};

// The least that a node lets keys live (--key-lifetime).
inline constexpr std::chrono::milliseconds client_key_lifetime = 3 * limits::request_deadline;

struct ClientSettings {
  std::string base_url;    // http(s)://host[:port]
  std::string token = {};  // bearer; empty: none; no control characters but tabs
  std::optional<RequestSigner> signer = {};
  int attempts_max = 8;
  std::string authorities_file = {};  // PEM: whom to believe who an https:// server is; empty: the system's
  std::chrono::milliseconds attempt_deadline{10'000};  // of one attempt, connecting included
  // For all attempts and pauses together; nothing is sent after it. What is sent last may run as long as a node's
  // requests may, and must find its key known: so no more than the shortest lifetime of the keys asked with, less
  // limits::request_deadline. Beyond that, what ran and was not heard of would run again.
  std::chrono::milliseconds deadline = client_key_lifetime - limits::request_deadline;
  client::Backoff backoff = {};

  // Where time and chance come from; tests put their own.
  std::function<Instant()> wall_clock = wall_now;
  std::function<Monotonic()> clock = monotonic_now;
  std::function<double()> random = {};                                                // 0 to 1; empty: the system's
  std::function<boost::asio::awaitable<void>(std::chrono::milliseconds)> pause = {};  // empty: a timer
};

struct ClientRequest {
  http::Method method = http::Method::get;
  std::string target = "/";  // path?query, percent-encoded
  std::string body = {};     // JSON; empty: none
  // Names are tokens (RFC 9110 section 5.6.2), and neither Content-Length nor Transfer-Encoding, which follow from the
  // body, nor Idempotency-Key, which has a member. Values have no control characters but tabs. Host, and what the
  // settings say, replace lines here.
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string idempotency_key = {};  // empty: a fresh one, but for GET and HEAD; no control characters but tabs
};

struct ClientAnswer {
  client::Answered answer;
  int attempts = 0;
  std::string idempotency_key;                   // what to send again with, later; empty: none was sent
  [[nodiscard]] bool replayed() const noexcept;  // Idempotency-Status: replayed
};

// No answer came in time. Whether the request ran is not known: the same key finds out. Or the server is not who it
// should be by its certificate: then nothing was sent to it, in that attempt, and it is not asked again.
struct ClientFailure {
  std::string reason;
  int attempts = 0;
  std::string idempotency_key;
};

// From one thread at a time: the executor's. Several requests may be under way.
class Client {
 public:
  // Throws std::invalid_argument for a base URL that is none, std::runtime_error for authorities that cannot be read.
  Client(const boost::asio::any_io_executor& executor, ClientSettings settings);
  Client(const boost::asio::any_io_executor& executor, ClientSettings settings,
         std::unique_ptr<client::Transport> transport);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends it until there is an answer that the same request would get again (client::may_be_retried), the attempts are
  // used up, or the next pause would end after the deadline: then the last answer, or why there was none. A lost answer
  // is asked for again: GET and HEAD harm nothing, all else has a key. Throws std::invalid_argument, and sends nothing,
  // for a target that is not /path?query, for headers, a token or a key other than described above, and for a request
  // that cannot be signed; it never repeats values. The client outlives the call.
  [[nodiscard]] boost::asio::awaitable<std::expected<ClientAnswer, ClientFailure>> send(ClientRequest request);

 private:
  [[nodiscard]] signature::OutgoingRequest prepare(const ClientRequest& request) const;
  struct Lost {
    std::string reason;
    bool for_good = false;
  };
  [[nodiscard]] boost::asio::awaitable<std::expected<client::Answered, Lost>> attempt(
      signature::OutgoingRequest request, std::chrono::milliseconds deadline);

  boost::asio::any_io_executor executor_;
  ClientSettings settings_;
  std::unique_ptr<client::Transport> transport_;
};

}  // namespace tenon
