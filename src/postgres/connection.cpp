#include "postgres/connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/limits.hpp"
#include "base/test_switch.hpp"
#include "postgres/endpoints.hpp"
#include "postgres/errors.hpp"

namespace tenon::postgres {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

// The libpq handle with its socket and the timer of the call under way. Shared with the timer's handler, which may be
// on its way when the connection has gone.
class Link : public std::enable_shared_from_this<Link> {
 public:
  explicit Link(const asio::any_io_executor& executor) : socket_(executor), timer_(executor) {}
  ~Link() { close(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  [[nodiscard]] PGconn* handle() const noexcept { return handle_; }
  [[nodiscard]] bool open() const noexcept { return handle_ != nullptr && PQstatus(handle_) == CONNECTION_OK; }

  // libpq hears of it only when it next reads. Reads nothing itself: a farewell may stand before the end.
  [[nodiscard]] bool hung_up() const noexcept {
    pollfd socket{.fd = PQsocket(handle_), .events = POLLRDHUP, .revents = 0};
    return poll(&socket, 1, 0) > 0;
  }

  void adopt(PGconn* handle) {
    close();
    handle_ = handle;
    if (handle_ != nullptr) PQsetNoticeReceiver(handle_, note, this);
  }

  // What a COMMIT told as done, a fail-over may take back.
  [[nodiscard]] bool standby_lacks() const noexcept { return standby_lacks_; }

  // The descriptor is libpq's: Asio only watches it, and lets go of it before libpq closes it.
  void watch() { socket_.assign(PQsocket(handle_)); }
  void unwatch() {
    if (socket_.is_open()) socket_.release();
  }

  void close() noexcept {
    timer_.cancel();
    unwatch();
    if (handle_ != nullptr) PQfinish(handle_);
    handle_ = nullptr;
  }

  // An ordinary close leaves to the kernel what has not been delivered, which may reach the server long after whoever
  // gave it up has told the outcome.
  void abandon() noexcept {
    const linger nothing_left{.l_onoff = 1, .l_linger = 0};
    if (handle_ != nullptr) setsockopt(PQsocket(handle_), SOL_SOCKET, SO_LINGER, &nothing_left, sizeof nothing_left);
    close();
  }

  void arm(Monotonic deadline) {
    due_ = deadline;
    expired_ = false;
    timer_.expires_at(deadline);
    timer_.async_wait([waiting = weak_from_this()](boost::system::error_code error) {
      if (const auto link = waiting.lock(); link && !error) link->expire();
    });
  }
  void disarm() {
    due_ = Monotonic::max();
    timer_.cancel();
  }

  asio::awaitable<void> wait(stream_descriptor::wait_type what) {
    auto [error] = co_await socket_.async_wait(what, asio::as_tuple(asio::use_awaitable));
    if (expired_) throw ConnectionError("the database did not answer within the deadline");
    if (error) throw ConnectionError("waiting for the database: " + error.message());
  }

 private:
  static void note(void* link, const PGresult* notice) {
    if (ends_wait_for_standby(notice)) static_cast<Link*>(link)->standby_lacks_ = true;
  }
  void expire() {
    // A handler that was queued when its call ended may run during the next one, whose time is not up.
    if (monotonic_now() < due_) return;
    expired_ = true;
    if (socket_.is_open()) socket_.cancel();
  }

  PGconn* handle_ = nullptr;
  stream_descriptor socket_;
  asio::steady_timer timer_;
  Monotonic due_ = Monotonic::max();
  bool expired_ = false;
  bool standby_lacks_ = false;
};

// One call from its deadline's start to its end. Unless the exchange with the server was finished, nobody knows what it
// would send next: the connection is closed, also when the coroutine is cancelled or destroyed half-way.
class Call {
 public:
  Call(std::shared_ptr<Link> link, Monotonic deadline) : link_(std::move(link)) { link_->arm(deadline); }
  ~Call() { finished_ ? link_->disarm() : link_->abandon(); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  void finish() noexcept { finished_ = true; }

 private:
  std::shared_ptr<Link> link_;
  bool finished_ = false;
};

class LibpqConnection final : public Connection {
 public:
  explicit LibpqConnection(std::shared_ptr<Link> link) : link_(std::move(link)) {}
  ~LibpqConnection() override { link_->close(); }

  asio::awaitable<void> prepare(const std::string& name, const std::string& sql, const std::vector<Oid>& types,
                                Monotonic deadline) override {
    Call call(started(deadline), deadline);
    require_sent(
        call, PQsendPrepare(link_->handle(), name.c_str(), sql.c_str(), static_cast<int>(types.size()), types.data()));
    co_await finish(call);
  }

  asio::awaitable<Rows> execute_prepared(const std::string& name, const Parameters& parameters,
                                         Monotonic deadline) override {
    Call call(started(deadline), deadline);
    require_sent(call,
                 PQsendQueryPrepared(link_->handle(), name.c_str(), parameters.count(), parameters.values().data(),
                                     parameters.lengths().data(), parameters.formats().data(), 1));
    test_switch::pass(test_switch::Step::statement_sent);
    co_return co_await finish(call);
  }

  asio::awaitable<Rows> execute(const std::string& sql, const Parameters& parameters, Monotonic deadline) override {
    Call call(started(deadline), deadline);
    require_sent(call, PQsendQueryParams(link_->handle(), sql.c_str(), parameters.count(), parameters.types().data(),
                                         parameters.values().data(), parameters.lengths().data(),
                                         parameters.formats().data(), 1));
    co_return co_await finish(call);
  }

  asio::awaitable<Rows> script(const std::string& sql, Monotonic deadline) override {
    Call call(started(deadline), deadline);
    require_sent(call, PQsendQuery(link_->handle(), sql.c_str()));
    co_return co_await finish(call);
  }

  [[nodiscard]] bool usable() const noexcept override { return link_->open() && !link_->hung_up(); }
  [[nodiscard]] int backend_pid() const noexcept override {
    return link_->handle() == nullptr ? 0 : PQbackendPID(link_->handle());
  }

 private:
  const std::shared_ptr<Link>& started(Monotonic deadline) const {
    if (!link_->open()) throw ConnectionError("the connection to the database is closed");
    // Time may have passed without this process: its callers were told the outcome, and nothing may run any more.
    if (monotonic_now() >= deadline) {
      link_->close();
      throw ConnectionError("the deadline passed before the statement was sent");
    }
    return link_;
  }

  void require_sent(Call& call, int sent) {
    if (sent == 1) return;
    const std::string message = message_of(link_->handle());
    if (!link_->open()) throw ConnectionError(message);
    call.finish();  // libpq refused to send it: too many parameters, for one
    throw StatementError("XX000", message, "");
  }

  asio::awaitable<Rows> finish(Call& call) {
    // While the server still reads one message of ours it writes next to nothing, so waiting for room alone cannot
    // deadlock; reading along keeps notices from piling up.
    for (int left = PQflush(link_->handle()); left != 0; left = PQflush(link_->handle())) {
      if (left < 0) throw ConnectionError(message_of(link_->handle()));
      co_await link_->wait(stream_descriptor::wait_write);
      consume();
    }
    Rows rows(nullptr);
    Rows error(nullptr);
    const PGresult* refused = nullptr;  // the first error, which `error` owns
    for (;;) {
      while (PQisBusy(link_->handle()) == 1) {
        co_await link_->wait(stream_descriptor::wait_read);
        consume();
      }
      PGresult* result = PQgetResult(link_->handle());
      if (result == nullptr) break;
      Rows next(result);
      switch (PQresultStatus(result)) {
        case PGRES_FATAL_ERROR:
        case PGRES_BAD_RESPONSE:
          if (ends_session(result)) throw_error_of(result);
          if (refused == nullptr) {
            refused = result;
            error = std::move(next);
          }
          break;
        case PGRES_COPY_IN:
        case PGRES_COPY_OUT:
        case PGRES_COPY_BOTH:
          throw ConnectionError("COPY is not spoken on this connection");
        default:
          rows = std::move(next);
      }
    }
    if (!link_->open()) throw ConnectionError(message_of(link_->handle()));
    if (link_->standby_lacks()) throw ConnectionError("the wait for the synchronous standby was cancelled");
    call.finish();
    if (refused != nullptr) throw_error_of(refused);
    co_return rows;
  }

  void consume() {
    if (PQconsumeInput(link_->handle()) == 0) throw ConnectionError(message_of(link_->handle()));
  }

  std::shared_ptr<Link> link_;
};

// With `endpoint` null libpq finds the server by its own defaults.
PGconn* start_connecting(const std::string& conninfo, const Endpoint* endpoint) {
  // What stands before dbname is a default, what stands after it wins. The kernel delivers what was sent by a process
  // that is gone, too.
  const std::string undelivered_most = std::to_string(limits::request_deadline.count());
  std::vector<const char*> keywords{"fallback_application_name", "tcp_user_timeout", "dbname", "client_encoding"};
  std::vector<const char*> values{"tenon", undelivered_most.c_str(), conninfo.c_str(), "UTF8"};
  if (endpoint != nullptr) {
    keywords.insert(keywords.end(), {"host", "hostaddr", "port"});
    values.insert(values.end(), {endpoint->host.c_str(), endpoint->address.c_str(), endpoint->port.c_str()});
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  return PQconnectStartParams(keywords.data(), values.data(), 1);
}

asio::awaitable<void> connect(std::shared_ptr<Link> link, PGconn* handle, Monotonic deadline) {
  link->adopt(handle);
  if (handle == nullptr) throw std::bad_alloc();
  Call call(link, deadline);
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (PQstatus(handle) != CONNECTION_BAD && next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED) {
    // libpq may close the socket and open another, perhaps of the same number, whenever it is called.
    link->watch();
    co_await link->wait(next == PGRES_POLLING_READING ? stream_descriptor::wait_read : stream_descriptor::wait_write);
    link->unwatch();
    next = PQconnectPoll(handle);
  }
  if (next != PGRES_POLLING_OK) throw ConnectionError(message_of(handle));
  if (PQsetnonblocking(handle, 1) != 0) throw ConnectionError(message_of(handle));
  link->watch();
  call.finish();
}

// Nothing, or why it failed.
asio::awaitable<std::optional<std::string>> try_connect(std::shared_ptr<Link> link, PGconn* handle,
                                                        Monotonic deadline) {
  try {
    co_await connect(std::move(link), handle, deadline);
  } catch (const ConnectionError& error) {
    co_return error.what();
  }
  co_return std::nullopt;
}

// An equal share of the time that is left for each of the servers that are left.
Monotonic share_of(Monotonic deadline, std::size_t servers_left) {
  const Monotonic now = monotonic_now();
  return now >= deadline ? deadline : now + (deadline - now) / static_cast<std::int64_t>(servers_left);
}

}  // namespace

std::optional<std::string_view> Rows::get(int row, int column) const {
  if (PQgetisnull(result_.get(), row, column) == 1) return std::nullopt;
  return std::string_view(PQgetvalue(result_.get(), row, column),
                          static_cast<std::size_t>(PQgetlength(result_.get(), row, column)));
}

std::string Rows::text(int row, int column) const { return std::string(get(row, column).value_or("")); }

asio::awaitable<std::unique_ptr<Connection>> Connection::open(asio::any_io_executor executor, std::string conninfo,
                                                              Monotonic deadline) {
  const auto link = std::make_shared<Link>(executor);
  const std::vector<Endpoint> named = endpoints_of(conninfo);
  if (named.empty()) {
    co_await connect(link, start_connecting(conninfo, nullptr), deadline);
    co_return std::make_unique<LibpqConnection>(link);
  }
  std::string reasons;
  for (std::size_t i = 0; i < named.size(); ++i) {
    const Monotonic until = share_of(deadline, named.size() - i);
    const std::vector<Endpoint> addresses = co_await resolve(executor, named[i], until);
    if (addresses.empty()) reasons += "cannot resolve " + named[i].host + "; ";
    for (std::size_t j = 0; j < addresses.size(); ++j) {
      const auto failure =
          co_await try_connect(link, start_connecting(conninfo, &addresses[j]), share_of(until, addresses.size() - j));
      if (!failure) co_return std::make_unique<LibpqConnection>(link);
      reasons += *failure + "; ";
    }
  }
  reasons.resize(reasons.size() - 2);
  throw ConnectionError(reasons);
}

}  // namespace tenon::postgres
