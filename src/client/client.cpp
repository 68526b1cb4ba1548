#include "client/client.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

#include "base/bytes.hpp"
#include "http/ascii.hpp"

namespace tenon {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

double system_random() {
  std::array<std::uint8_t, 4> bytes{};
  fill_random(bytes);
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return static_cast<double>(value) / 4294967296.0;
}

asio::awaitable<void> wait(asio::any_io_executor executor, milliseconds duration) {
  asio::steady_timer timer(executor, duration);
  co_await timer.async_wait(asio::use_awaitable);
}

constexpr bool harmless(http::Method method) noexcept {
  return method == http::Method::get || method == http::Method::head;
}

// With a line break in it, it would be other headers, or another request.
void insist_on_header(std::string_view name, std::string_view value) {
  using namespace http::ascii;
  if (!is_token(name)) throw std::invalid_argument("not the name of a header: \"" + std::string(name) + "\"");
  if (std::ranges::any_of(value, [](char c) { return is_control(c) && c != '\t'; })) {
    throw std::invalid_argument(std::string(name) + ": a control character in its value");
  }
}

// Beside what the transport writes, a length of the caller's own would make a second request of the rest; and a key set
// here would be lost to the one that is kept over retries.
void insist_on_callers_own(std::string_view name) {
  if (http::ascii::equal_in_any_case(name, "Idempotency-Key")) {
    throw std::invalid_argument(std::string(name) + " is no header to set: set idempotency_key");
  }
  for (const std::string_view framing : {"Content-Length", "Transfer-Encoding"}) {
    if (http::ascii::equal_in_any_case(name, framing)) {
      throw std::invalid_argument(std::string(name) + " follows from the body: it is no header to set");
    }
  }
}

}  // namespace

bool ClientAnswer::replayed() const noexcept {
  const std::string* status = answer.header("Idempotency-Status");
  return status != nullptr && *status == "replayed";
}

Client::Client(const asio::any_io_executor& executor, ClientSettings settings)
    : Client(executor, settings, client::make_transport(executor, settings.authorities_file)) {}

Client::Client(const asio::any_io_executor& executor, ClientSettings settings,
               std::unique_ptr<client::Transport> transport)
    : executor_(executor), settings_(std::move(settings)), transport_(std::move(transport)) {
  signature::OutgoingRequest probe;
  if (!probe.go_to(settings_.base_url) || probe.target != "/") {
    throw std::invalid_argument("\"" + settings_.base_url + "\" is not http(s)://host[:port]");
  }
  if (!settings_.random) settings_.random = system_random;
}

Client::~Client() = default;

signature::OutgoingRequest Client::prepare(const ClientRequest& request) const {
  signature::OutgoingRequest outgoing;
  outgoing.method = request.method;
  const std::string_view base = settings_.base_url;
  if (!outgoing.go_to(std::string(base.substr(0, base.size() - (base.ends_with('/') ? 1 : 0))) + request.target)) {
    throw std::invalid_argument("\"" + request.target + "\" is not /path?query");
  }
  for (const auto& [name, value] : request.headers) {
    insist_on_header(name, value);
    insist_on_callers_own(name);
  }
  insist_on_header("Authorization", settings_.token);
  insist_on_header("Idempotency-Key", request.idempotency_key);
  outgoing.headers = request.headers;
  outgoing.body = request.body;
  outgoing.set("Host", outgoing.host);
  if (!request.body.empty() && outgoing.header("Content-Type") == nullptr) {
    outgoing.set("Content-Type", "application/json");
  }
  if (!settings_.token.empty()) outgoing.set("Authorization", "Bearer " + settings_.token);
  if (!request.idempotency_key.empty()) outgoing.set("Idempotency-Key", request.idempotency_key);
  return outgoing;
}

asio::awaitable<std::expected<client::Answered, Client::Lost>> Client::attempt(signature::OutgoingRequest request,
                                                                               milliseconds deadline) {
  // A nonce is good for once: each attempt is signed anew, and that is what tells it from a copy.
  if (settings_.signer && !signature::add_signature(request, settings_.signer->key, settings_.signer->key_id,
                                                    signature::random_nonce(), settings_.wall_clock())) {
    throw std::invalid_argument("this request cannot be signed: all that is signed must be ASCII");
  }
  try {
    co_return co_await transport_->exchange(request, deadline);
  } catch (const boost::system::system_error& lost) {
    co_return std::unexpected(Lost{.reason = lost.what()});
  } catch (const client::UntrustedServer& untrusted) {
    co_return std::unexpected(Lost{.reason = untrusted.what(), .for_good = true});
  }
}

asio::awaitable<std::expected<ClientAnswer, ClientFailure>> Client::send(ClientRequest request) {
  if (request.idempotency_key.empty() && !harmless(request.method)) request.idempotency_key = random_uuid().text();
  const signature::OutgoingRequest outgoing = prepare(request);
  const Monotonic until = settings_.clock() + settings_.deadline;
  for (int attempts = 1;; ++attempts) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - settings_.clock());
    auto answer = co_await attempt(outgoing, std::clamp(left, milliseconds(1), settings_.attempt_deadline));
    const bool settled = answer ? !client::may_be_retried(*answer) : answer.error().for_good;
    const auto told = answer ? client::retry_after(*answer, settings_.wall_clock()) : std::nullopt;
    const milliseconds pause = client::pause_after(attempts, settings_.backoff, told, settings_.random());
    bool last = settled || attempts >= settings_.attempts_max || settings_.clock() + pause >= until;
    if (!last) {
      if (settings_.pause) {
        co_await settings_.pause(pause);
      } else {
        co_await wait(executor_, pause);
      }
      last = settings_.clock() >= until;  // a pause may take longer than it was meant to
    }
    if (!last) continue;
    if (answer) co_return ClientAnswer{*std::move(answer), attempts, request.idempotency_key};
    co_return std::unexpected(ClientFailure{answer.error().reason, attempts, request.idempotency_key});
  }
}

}  // namespace tenon
