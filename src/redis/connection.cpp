#include "redis/connection.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <optional>
#include <utility>

#include "base/limits.hpp"
#include "redis/stream.hpp"

namespace tenon::redis {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// A command whose reply has not come.
struct Call {
  Monotonic deadline;
  std::move_only_function<void()> resume = {};
  std::optional<Reply> reply = {};  // nothing: the connection ended first
};

class PipelinedConnection final : public Connection {
 public:
  PipelinedConnection(const asio::any_io_executor& executor, std::unique_ptr<Stream> stream, Endpoint peer)
      : executor_(executor),
        stream_(std::move(stream)),
        peer_(std::move(peer)),
        timer_(executor),
        end_(executor, Monotonic::max()) {}

  void start() { read(); }

  asio::awaitable<Reply> call(std::span<const std::string_view> parts, Monotonic deadline) override {
    return exchange(parts, deadline, false);
  }
  asio::awaitable<Reply> call_asking(std::span<const std::string_view> parts, Monotonic deadline) override {
    return exchange(parts, deadline, true);
  }
  [[nodiscard]] const Endpoint& peer() const noexcept override { return peer_; }
  [[nodiscard]] bool usable() const noexcept override { return !failure_; }
  void close(const std::string& reason) override { fail(reason, false); }
  asio::awaitable<std::string> ended() override;

  asio::awaitable<void> log_in(Address address, Monotonic deadline);

 private:
  [[nodiscard]] std::shared_ptr<PipelinedConnection> self() {
    return std::static_pointer_cast<PipelinedConnection>(shared_from_this());
  }
  [[noreturn]] void throw_failure() const {
    if (timed_out_) throw TimeoutError(*failure_);
    throw ConnectionError(*failure_);
  }
  asio::awaitable<Reply> exchange(std::span<const std::string_view> parts, Monotonic deadline, bool asking);
  asio::awaitable<Reply> demand(std::vector<std::string_view> parts, Monotonic deadline);

  void read();
  void on_bytes(std::string_view bytes);
  void flush_soon();
  void flush();
  void watch(Monotonic deadline);
  void on_timer();
  void fail(const std::string& reason, bool timed_out);

  asio::any_io_executor executor_;
  std::unique_ptr<Stream> stream_;
  Endpoint peer_;
  Reader reader_;
  std::array<char, 16 * 1024> input_{};
  std::string output_;   // to be written
  std::string writing_;  // being written
  bool flushing_ = false;
  std::deque<std::shared_ptr<Call>> waiting_;  // in the order of their commands
  asio::steady_timer timer_;
  Monotonic due_ = Monotonic::max();  // when the timer will look again; never later than the first deadline
  std::optional<std::string> failure_;
  bool timed_out_ = false;
  asio::steady_timer end_;  // cancelled when the connection has ended
};

template <class Start>
asio::awaitable<void> suspend(Start start) {
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [](auto handler, Start& begin) { begin(std::move_only_function<void()>(std::move(handler))); },
      asio::use_awaitable, std::ref(start));
}

asio::awaitable<Reply> PipelinedConnection::exchange(std::span<const std::string_view> parts, Monotonic deadline,
                                                     bool asking) {
  const auto alive = self();
  if (failure_) throw_failure();
  if (waiting_.size() >= limits::redis_calls_max) throw ConnectionError("too many calls wait for Redis");
  const auto mine = std::make_shared<Call>(Call{.deadline = deadline});
  if (asking) {
    // Good for the next command alone, so nothing may come between; nobody waits for its OK.
    constexpr std::array<std::string_view, 1> word{"ASKING"};
    append_command(output_, word);
    waiting_.push_back(std::make_shared<Call>(Call{.deadline = deadline}));
  }
  append_command(output_, parts);
  waiting_.push_back(mine);
  watch(deadline);
  flush_soon();
  co_await suspend([&mine](std::move_only_function<void()> resume) { mine->resume = std::move(resume); });
  if (!mine->reply) throw_failure();
  co_return std::move(*mine->reply);
}

void PipelinedConnection::read() {
  stream_->read_some(asio::buffer(input_), [connection = self()](error_code error, std::size_t size) {
    if (connection->failure_) return;
    if (error) return connection->fail("the connection was lost: " + error.message(), false);
    connection->on_bytes({connection->input_.data(), size});
    if (!connection->failure_) connection->read();
  });
}

void PipelinedConnection::on_bytes(std::string_view bytes) {
  bool understood = reader_.feed(bytes);
  std::vector<std::shared_ptr<Call>> answered;
  while (understood) {
    std::optional<Reply> reply = reader_.next();
    if (!reply) {
      understood = reader_.error().empty();
      break;
    }
    if (waiting_.empty()) {
      fail("it answers what nobody asked", false);
      break;
    }
    waiting_.front()->reply = std::move(reply);
    answered.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  if (!understood) fail("not an answer of Redis: " + std::string(reader_.error()), false);
  // Only now: whom it resumes may call, close or let go of this connection.
  for (const auto& call : answered) {
    if (call->resume) std::exchange(call->resume, nullptr)();
  }
}

// Posted, so that all that this turn of the loop resumes can add to the same write.
void PipelinedConnection::flush_soon() {
  if (flushing_) return;
  flushing_ = true;
  asio::post(executor_, [connection = self()] { connection->flush(); });
}

void PipelinedConnection::flush() {
  flushing_ = !failure_ && !output_.empty();
  if (!flushing_) return;
  writing_.clear();
  writing_.swap(output_);
  stream_->write(asio::buffer(writing_), [connection = self()](error_code error) {
    if (error) connection->fail("the connection was lost: " + error.message(), false);
    connection->flush();
  });
}

// The timer is only ever set for an earlier time; on its way it finds out when to look next. So a busy connection sets
// it once per deadline's length, not once per call.
void PipelinedConnection::watch(Monotonic deadline) {
  if (deadline >= due_) return;
  due_ = deadline;
  timer_.expires_at(deadline);
  timer_.async_wait([connection = std::weak_ptr(self())](error_code error) {
    const auto alive = connection.lock();
    if (!error && alive) alive->on_timer();
  });
}

void PipelinedConnection::on_timer() {
  const Monotonic now = monotonic_now();
  if (now < due_ || failure_) return;  // it was on its way when the timer was set anew
  Monotonic first = Monotonic::max();
  for (const auto& call : waiting_) first = std::min(first, call->deadline);
  if (first <= now) return fail("no answer within the deadline", true);
  due_ = Monotonic::max();
  watch(first);
}

void PipelinedConnection::fail(const std::string& reason, bool timed_out) {
  if (failure_) return;
  const auto alive = self();
  failure_ = reason;
  timed_out_ = timed_out;
  timer_.cancel();
  stream_->close();
  end_.cancel();
  // Posted: fail() is called from the middle of things.
  for (auto& call : waiting_) {
    asio::post(executor_, [failed = std::move(call)] {
      if (failed->resume) std::exchange(failed->resume, nullptr)();
    });
  }
  waiting_.clear();
}

asio::awaitable<std::string> PipelinedConnection::ended() {
  const auto alive = self();
  if (!failure_) co_await end_.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return failure_.value_or("nobody waits for it any more");
}

// For what has to succeed.
asio::awaitable<Reply> PipelinedConnection::demand(std::vector<std::string_view> parts, Monotonic deadline) {
  Reply reply = co_await call(parts, deadline);
  if (reply.is_error()) throw ConnectionError(reply.text);
  co_return reply;
}

asio::awaitable<void> PipelinedConnection::log_in(Address address, Monotonic deadline) {
  if (!address.password.empty()) {
    std::vector<std::string_view> login{"AUTH"};
    if (!address.user.empty()) login.push_back(address.user);
    login.push_back(address.password);
    co_await demand(std::move(login), deadline);
  }
  if (address.database != 0) {
    const std::string number = std::to_string(address.database);
    std::vector<std::string_view> select{"SELECT", number};
    co_await demand(std::move(select), deadline);
  }
  const std::vector<std::string_view> role{"ROLE"};
  const Reply reply = co_await call(role, deadline);
  // Who may not ask, or asks something that only resembles Redis, finds out by writing.
  if (reply.error_name() == "NOPERM" || reply.error_name() == "ERR") co_return;
  if (reply.is_error()) throw ConnectionError(reply.text);
  if (reply.elements.empty()) throw ConnectionError("not an answer of Redis: to ROLE");
  if (reply.elements.front().text != "master") throw ConnectionError("it is a replica, and takes no writes");
}

// Time for one of `left` hosts that are still to be tried.
[[nodiscard]] Monotonic share_of(Monotonic deadline, std::size_t left) {
  const Monotonic now = monotonic_now();
  return now + std::max(deadline - now, Monotonic::duration::zero()) / static_cast<std::int64_t>(left);
}

asio::awaitable<std::shared_ptr<Connection>> open_one(asio::any_io_executor executor, Address address, Target target,
                                                      std::shared_ptr<asio::ssl::context> tls, Monotonic deadline) {
  auto stream = co_await connect(executor, address.transport, target, std::move(tls), deadline);
  const auto connection = std::make_shared<PipelinedConnection>(executor, std::move(stream), target.named);
  connection->start();
  std::string failure;
  try {
    co_await connection->log_in(std::move(address), deadline);
    co_return connection;
  } catch (const ConnectionError& error) {
    failure = error.what();
  }
  connection->close(failure);
  throw ConnectionError(failure);
}

}  // namespace

asio::awaitable<std::shared_ptr<Connection>> Connection::open(asio::any_io_executor executor, Address address,
                                                              std::shared_ptr<asio::ssl::context> tls,
                                                              Monotonic deadline) {
  std::string failure = "no host";
  std::size_t hosts_left = address.endpoints.size();
  for (const Endpoint& endpoint : address.endpoints) {
    const Monotonic host_deadline = share_of(deadline, hosts_left--);
    const auto targets = co_await resolve(executor, address.transport, endpoint, host_deadline);
    if (targets.empty()) failure = endpoint.host + ": the name cannot be resolved";
    std::size_t left = targets.size();
    for (const Target& target : targets) {
      try {
        co_return co_await open_one(executor, address, target, tls, share_of(host_deadline, left--));
      } catch (const ConnectionError& error) {
        failure = error.what();
      }
    }
  }
  throw ConnectionError(failure);
}

}  // namespace tenon::redis
