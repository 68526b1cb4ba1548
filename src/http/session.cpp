// GCC 12 takes the coroutine frames' own operator new and delete for a mismatched pair where it inlines only one of
// them.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#include "http/session.hpp"

#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "http/answer.hpp"
#include "http/framer.hpp"

namespace tenon::http {
namespace {

namespace asio = boost::asio;
using TlsStream = asio::ssl::stream<Socket>;
using Progress = Framer::Progress;
using error_code = boost::system::error_code;

// Answers to pipelined requests are written together, unless one took its time: then it doesn't wait for the next.
constexpr std::size_t collected_bytes_max = 64 * 1024;
constexpr std::chrono::milliseconds collected_within{1};
constexpr std::size_t linger_bytes_max = 1024 * 1024;
constexpr std::chrono::milliseconds linger_deadline{1'000};

// What differs between the two kinds of stream. Overloads, since GCC 12 miscompiles `if constexpr` around a co_return.
asio::awaitable<void> shake_hands(Socket&, error_code&) { co_return; }
asio::awaitable<void> shake_hands(TlsStream& stream, error_code& error) {
  co_await stream.async_handshake(TlsStream::server, asio::redirect_error(asio::use_awaitable, error));
}
asio::awaitable<void> say_goodbye(Socket&) { co_return; }
asio::awaitable<void> say_goodbye(TlsStream& stream) {
  error_code ignored;
  co_await stream.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
}
Socket& socket_of(Socket& stream) { return stream; }
Socket& socket_of(TlsStream& stream) { return stream.next_layer(); }

// Resumes where the read ends. Asio's own token would send each of them through the coroutine's type-erased executor
// first; a connection is on its io_context's one thread already.
template <class Stream>
asio::awaitable<std::size_t> read_some(Stream& stream, std::span<char> room, error_code& error) {
  return asio::async_initiate<const asio::use_awaitable_t<>, void(std::size_t)>(
      [&stream, room, &error](auto resume) {
        stream.async_read_some(asio::buffer(room.data(), room.size()),
                               [&error, resume = std::move(resume)](error_code ended, std::size_t bytes) mutable {
                                 error = ended;
                                 std::move(resume)(bytes);
                               });
      },
      asio::use_awaitable);
}

template <class Stream>
class Session final : public Connection {
  static constexpr bool is_tls = !std::is_same_v<Stream, Socket>;

 public:
  Session(Seat seat, std::shared_ptr<Shard> shard, Stream stream, const asio::ip::address& peer);
  asio::awaitable<void> run();
  void cut() noexcept override;

 private:
  void interrupt() noexcept override;
  Socket& socket() noexcept { return socket_of(stream_); }

  asio::awaitable<bool> open();
  asio::awaitable<void> serve();
  Monotonic begin_answer();
  void finish_answer(Response response, Monotonic began);
  asio::awaitable<bool> send();
  asio::awaitable<void> linger();
  void wait_for(Progress progress);
  void append(const Response& response, bool head_only, bool keep_alive_1_0);
  void refuse(const Problem& problem);
  bool send_at_once();
  void forget_sent();
  Response failed(std::string_view what);

  Seat seat_;
  std::shared_ptr<Shard> shard_;
  Stream stream_;
  Framer framer_;
  std::string out_;        // answers not sent yet
  std::size_t sent_ = 0;   // of out_
  bool first_ = true;      // no request was read yet
  bool collects_ = false;  // out_ may wait for the next answer
  bool closing_ = false;   // nothing may follow what is in out_
};

template <class Stream>
Session<Stream>::Session(Seat seat, std::shared_ptr<Shard> shard, Stream stream, const asio::ip::address& peer)
    : seat_(std::move(seat)),
      shard_(std::move(shard)),
      stream_(std::move(stream)),
      framer_(seat_.server().settings.body_bytes_max) {
  framer_.request().peer = peer;
  framer_.request().secure = is_tls;
  shard_->add(*this);
}

template <class Stream>
void Session<Stream>::interrupt() noexcept {
  error_code ignored;
  socket().cancel(ignored);
}

template <class Stream>
void Session<Stream>::cut() noexcept {
  error_code ignored;
  socket().close(ignored);
}

template <class Stream>
asio::awaitable<void> Session<Stream>::run() {
  if (shard_->stopping()) co_return;
  if (seat_.admitted()) {
    const bool opened = co_await open();
    if (!opened) co_return;
    co_await serve();
  } else if (!is_tls) {  // a handshake is just what an overloaded node can't afford
    refuse(problem(ProblemCode::overloaded, "too many connections"));
  }
  if (!closing_) co_return;
  const bool sent = co_await send();
  if (sent) co_await linger();
}

template <class Stream>
asio::awaitable<bool> Session<Stream>::open() {
  enter(Phase::opening, monotonic_now() + seat_.server().settings.header_deadline);
  error_code error;
  co_await shake_hands(stream_, error);
  co_return !error && !expired();
}

// Until the client leaves, or closing_ says that we do.
template <class Stream>
asio::awaitable<void> Session<Stream>::serve() {
  while (!closing_) {
    const Progress progress = framer_.advance();
    if (progress == Progress::refused) {
      refuse(framer_.refusal());
      co_return;
    }
    if (progress == Progress::complete) {
      const Monotonic began = begin_answer();
      Response response;
      try {
        response = co_await seat_.server().handler(framer_.request());
      } catch (const std::exception& error) {
        response = failed(error.what());
      } catch (...) {
        response = failed("something that is no std::exception");
      }
      finish_answer(std::move(response), began);
      if (collects_) continue;
    }
    if (framer_.take_continue()) out_.append("HTTP/1.1 100 Continue\r\n\r\n");
    if (!send_at_once()) {
      const bool sent = co_await send();
      if (!sent) co_return;
    }
    if (progress == Progress::complete) continue;
    if (progress == Progress::idle && shard_->stopping()) co_return;

    wait_for(progress);
    error_code error;
    const std::size_t bytes = co_await read_some(stream_, framer_.room(), error);
    if (expired() && (error || !is_waiting_for_a_request())) {
      if (!is_waiting_for_a_request()) refuse(problem(ProblemCode::request_timeout));
      co_return;
    }
    if (error) co_return;
    framer_.received(bytes);
  }
}

// A deadline begins with its phase, not with each read: a slow client can't renew it byte by byte.
template <class Stream>
void Session<Stream>::wait_for(Progress progress) {
  const ServerSettings& settings = seat_.server().settings;
  const Phase next = progress == Progress::body ? Phase::body : progress == Progress::head ? Phase::head : Phase::idle;
  if (next == phase() && !expired()) return;
  // Who connects and says nothing gets no more time than who begins a header.
  const auto idle = first_ ? settings.header_deadline : settings.idle_deadline;
  const auto within = next == Phase::body   ? settings.body_deadline
                      : next == Phase::head ? settings.header_deadline
                                            : idle;
  enter(next, monotonic_now() + within);
}

template <class Stream>
Monotonic Session<Stream>::begin_answer() {
  Request& request = framer_.request();
  first_ = false;
  enter(Phase::handling, Monotonic::max());  // the handler holds the request's deadline
  if (request.request_id.empty()) shard_->ids().append_next(request.request_id);
  return monotonic_now();
}

template <class Stream>
void Session<Stream>::finish_answer(Response response, Monotonic began) {
  const Request& request = framer_.request();
  if (response.status() < 200 || response.status() > 599) response = failed("the handler gave no final status");
  closing_ = response.closes() || shard_->stopping() || !framer_.keeps_alive();
  append(response, request.method == Method::head, framer_.is_http_1_0());
  const auto took = monotonic_now() - began;
  collects_ = took < collected_within && out_.size() < collected_bytes_max;
  if (const Observer& observer = seat_.server().observer)
    observer({.request = &request, .response = &response, .took = took});
  framer_.release();
}

template <class Stream>
Response Session<Stream>::failed(std::string_view what) {
  seat_.server().log.event(LogLevel::error, "handler_failed",
                           {{"request_id", std::string_view(framer_.request().request_id)}, {"error", what}});
  return Response::refusal(problem(ProblemCode::internal_error));
}

template <class Stream>
void Session<Stream>::append(const Response& response, bool head_only, bool keep_alive_1_0) {
  append_answer(out_, response,
                {.request_id = framer_.request().request_id,
                 .date = shard_->date(),
                 .head_only = head_only,
                 .closes = closing_,
                 .secure = is_tls,
                 .keep_alive = keep_alive_1_0 && !closing_});
}

// The answer to what never became a request: the last one on this connection.
template <class Stream>
void Session<Stream>::refuse(const Problem& problem) {
  std::string& id = framer_.request().request_id;
  if (id.empty()) shard_->ids().append_next(id);
  closing_ = true;
  const Response response = Response::refusal(problem);
  append(response, false, false);
  if (const Observer& observer = seat_.server().observer)
    observer({.request = nullptr, .response = &response, .took = {}});
}

// Most answers fit into the socket's buffer: no wait, no trip through the scheduler. True when all was sent; otherwise
// send() does the rest, and meets the error if there was one.
template <class Stream>
bool Session<Stream>::send_at_once() {
  if constexpr (!is_tls) {  // a TLS stream that would block in the middle of a record could not be resumed
    error_code error;
    while (sent_ < out_.size() && !error) sent_ += stream_.write_some(asio::buffer(out_) + sent_, error);
  }
  if (sent_ < out_.size()) return false;
  forget_sent();
  return true;
}

template <class Stream>
asio::awaitable<bool> Session<Stream>::send() {
  if (send_at_once()) co_return true;
  enter(Phase::writing, monotonic_now() + seat_.server().settings.write_deadline);
  error_code error;
  co_await asio::async_write(stream_, asio::buffer(out_) + sent_, asio::redirect_error(asio::use_awaitable, error));
  forget_sent();
  co_return !error;
}

// A connection that stays open does not keep the room of its largest answer.
template <class Stream>
void Session<Stream>::forget_sent() {
  sent_ = 0;
  if (out_.capacity() > collected_bytes_max) std::string().swap(out_);  // an assignment would keep the room
  out_.clear();
}

// To close while the client's bytes are still coming in makes the kernel send a reset, which can destroy our answer on
// its way: so we end our side only, and listen a little longer.
template <class Stream>
asio::awaitable<void> Session<Stream>::linger() {
  enter(Phase::lingering, monotonic_now() + linger_deadline);
  error_code error;
  co_await say_goodbye(stream_);
  socket().shutdown(asio::socket_base::shutdown_send, error);
  std::array<char, 4096> unwanted;
  for (std::size_t discarded = 0; discarded < linger_bytes_max && !error && !expired();)
    discarded +=
        co_await socket().async_read_some(asio::buffer(unwanted), asio::redirect_error(asio::use_awaitable, error));
}

template <class Stream>
asio::awaitable<void> serve_with(Seat seat, std::shared_ptr<Shard> shard, asio::ip::address peer, Stream stream) {
  Logger& log = seat.server().log;
  try {
    Session<Stream> session(std::move(seat), std::move(shard), std::move(stream), peer);
    co_await session.run();
  } catch (const std::exception& error) {
    log.event(LogLevel::error, "connection_failed", {{"error", std::string_view(error.what())}});
  }
}

}  // namespace

asio::awaitable<void> serve_connection(Seat seat, std::shared_ptr<Shard> shard, Socket socket, asio::ip::address peer) {
  error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.non_blocking(true, ignored);
  if (auto& tls = seat.server().tls)
    return serve_with(std::move(seat), std::move(shard), peer, TlsStream(std::move(socket), *tls));
  return serve_with(std::move(seat), std::move(shard), peer, std::move(socket));
}

}  // namespace tenon::http
