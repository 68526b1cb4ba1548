#include "writes/transactions.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

#include "base/test_switch.hpp"
#include "writes/decode.hpp"
#include "writes/fault.hpp"
#include "writes/write_connection.hpp"

namespace tenon::writes {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds ask_again{100};  // doubles while the database is away, up to:
constexpr milliseconds ask_again_most{500};
constexpr int attempts_max = 5;

postgres::Parameters key_parameters(const Envelope& envelope) {
  postgres::Parameters parameters;
  parameters.add(envelope.claim);
  parameters.add_bytes(as_text(envelope.fingerprint));
  return parameters;
}

// The stored answer; nothing when there is none.
asio::awaitable<std::optional<Reply>> stored(postgres::Connection& connection, const Envelope& envelope,
                                             Monotonic deadline) {
  const postgres::Parameters parameters = key_parameters(envelope);
  const Monotonic asked_at = monotonic_now();
  const postgres::Rows rows =
      co_await connection.execute("SELECT * FROM tenon.begin_keyed($1, $2)", parameters, deadline);
  std::vector<Reply> replies = decode_replies(rows, 1, asked_at);
  if (replies.front().origin == Reply::Origin::fresh) co_return std::nullopt;
  co_return std::move(replies.front());
}

asio::awaitable<Instant> keep(postgres::Connection& connection, const Envelope& envelope, const Reply& reply,
                              Monotonic deadline) {
  postgres::Parameters parameters;
  parameters.add(envelope.claim);
  parameters.add(std::string_view(envelope.scope));
  parameters.add(std::string_view(envelope.user));
  parameters.add(std::string_view(envelope.key));
  parameters.add_bytes(as_text(envelope.fingerprint));
  parameters.add_int4(envelope.lifetime_seconds);
  parameters.add_int4(reply.status);
  if (reply.problem) {
    parameters.add(kind_of(*reply.problem).code);
  } else {
    parameters.add_null(postgres::Type::text);
  }
  parameters.add(std::string_view(reply.body));
  if (reply.version) {
    parameters.add(*reply.version);
  } else {
    parameters.add_null(postgres::Type::int8);
  }
  if (reply.modified) {
    parameters.add(*reply.modified);
  } else {
    parameters.add_null(postgres::Type::timestamptz);
  }
  if (reply.location.empty()) {
    parameters.add_null(postgres::Type::text);
  } else {
    parameters.add(std::string_view(reply.location));
  }
  const postgres::Rows rows = co_await connection.execute(
      "SELECT tenon.keep_reply($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", parameters, deadline);
  co_return postgres::read_instant(rows.get(0, 0).value());
}

// Takes the request's nonce into use, in this transaction. A refusal: nothing else may run in it.
asio::awaitable<std::optional<Reply>> refused_signature(postgres::Connection& connection, const Envelope& envelope,
                                                        Monotonic deadline) {
  const SignedBy& signature = *envelope.signature;
  postgres::Parameters parameters;
  parameters.add(std::string_view(signature.user));
  parameters.add(std::string_view(envelope.role));
  parameters.add(std::string_view(envelope.request_id));
  parameters.add(std::string_view(envelope.key));
  parameters.add(signature.nonce);
  parameters.add(signature.attempt);
  parameters.add(signature.key);
  parameters.add(signature.created);
  const postgres::Rows rows = co_await connection.execute(
      "SELECT * FROM tenon.admit_signed(ARRAY[$1], ARRAY[$2], ARRAY[$3], ARRAY[$4], ARRAY[$5], ARRAY[$6], ARRAY[$7], "
      "ARRAY[$8])",
      parameters, deadline);
  std::vector<Reply> replies = decode_replies(rows, 1, monotonic_now());
  if (!is_signature_refused(replies.front())) co_return std::nullopt;
  co_return std::move(replies.front());
}

}  // namespace

// A request's share of the pool, between its attempts too, and its connection: which goes back into the pool when it is
// still good and outside a transaction.
class Transactions::Lease {
 public:
  explicit Lease(Pool& pool) : pool_(pool) { ++pool_.lent; }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    --pool_.lent;
    if (clean && connection && connection->usable()) pool_.idle.push_back(std::move(connection));
  }
  // For the next attempt: what the last one left in the middle of a transaction is closed.
  asio::awaitable<void> open(const std::string& conninfo, Monotonic deadline) {
    if (!std::exchange(clean, false) || !connection->usable()) connection.reset();
    while (!pool_.idle.empty() && !connection) {
      connection = std::move(pool_.idle.back());
      pool_.idle.pop_back();
      if (!connection->usable()) connection.reset();
    }
    if (connection) co_return;
    connection = co_await open_for_writes(co_await asio::this_coro::executor, conninfo, deadline);
  }
  std::unique_ptr<postgres::Connection> connection;
  bool clean = false;

 private:
  Pool& pool_;
};

Transactions::Transactions(std::span<asio::io_context* const> contexts, std::string conninfo,
                           std::size_t connections_max, Logger& log)
    : conninfo_(std::move(conninfo)), connections_max_(connections_max), log_(log) {
  for (auto* context : contexts) pools_[context];
}

asio::awaitable<Result<Reply>> Transactions::run(asio::io_context& here, const Envelope& envelope,
                                                 const Execute& execute, Monotonic deadline) {
  Pool& pool = pools_.at(&here);
  if (pool.lent >= connections_max_) co_return problem(ProblemCode::overloaded);
  Lease lease(pool);
  asio::steady_timer pause(here);
  milliseconds wait = ask_again;
  int attempts = 1;
  for (;;) {
    bool committing = false;
    try {
      co_return co_await attempt(lease, envelope, execute, deadline, committing);
    } catch (const postgres::StatementError& error) {
      const Fault fault = classify(error.sqlstate());
      // Rolled back whole, so look again.
      const bool again = fault == Fault::collision || fault == Fault::contention;
      if (again && attempts++ < attempts_max && monotonic_now() < deadline) continue;
      log_.event(LogLevel::error, "transaction_failed",
                 {{"scope", std::string_view(envelope.scope)},
                  {"sqlstate", std::string_view(error.sqlstate())},
                  {"reason", std::string_view(error.what())},
                  {"request_id", std::string_view(envelope.request_id)}});
      if (fault == Fault::command) co_return problem(ProblemCode::internal_error);
      if (!committing && fault != Fault::demoted) co_return problem(ProblemCode::database_unavailable);
    } catch (const postgres::ConnectionError& error) {
      log_.event(LogLevel::warning, "transaction_lost",
                 {{"scope", std::string_view(envelope.scope)},
                  {"reason", std::string_view(error.what())},
                  {"request_id", std::string_view(envelope.request_id)}});
    }
    if (committing) co_return co_await find_out(lease, envelope, deadline);
    // Nothing happened: on another connection then, once there is one, or to the new primary if this one was demoted.
    if (monotonic_now() + wait >= deadline) co_return problem(ProblemCode::database_unavailable);
    pause.expires_after(wait);
    co_await pause.async_wait(asio::use_awaitable);
    wait = std::min(2 * wait, ask_again_most);
  }
}

asio::awaitable<Result<Reply>> Transactions::attempt(Lease& lease, const Envelope& envelope, const Execute& execute,
                                                     Monotonic deadline, bool& committing) {
  co_await lease.open(conninfo_, deadline);
  postgres::Connection& connection = *lease.connection;
  co_await connection.script("BEGIN", deadline);
  if (envelope.signature) {
    if (auto refusal = co_await refused_signature(connection, envelope, deadline)) {
      co_await connection.script("COMMIT", deadline);  // the log keeps that somebody tried
      lease.clean = true;
      co_return std::move(*refusal);
    }
    co_await connection.script("SAVEPOINT admitted", deadline);
  }
  if (auto known = co_await stored(connection, envelope, deadline)) {
    co_await connection.script("COMMIT", deadline);
    lease.clean = true;
    co_return std::move(*known);
  }
  Reply reply = co_await execute(connection);
  if (!is_stored(reply)) {  // a refusal that is not kept: neither is anything that was done before it
    // ... but for the nonce, which has been used all the same.
    co_await connection.script(envelope.signature ? "ROLLBACK TO admitted; COMMIT" : "ROLLBACK", deadline);
    lease.clean = true;
    co_return reply;
  }
  test_switch::pass(test_switch::Step::executed);
  reply.expires = co_await keep(connection, envelope, reply, deadline);
  test_switch::pass(test_switch::Step::before_commit);
  committing = true;
  co_await connection.script("COMMIT", deadline);
  test_switch::pass(test_switch::Step::committed);
  lease.clean = true;
  co_return reply;
}

asio::awaitable<Result<Reply>> Transactions::find_out(Lease& lease, const Envelope& envelope, Monotonic deadline) {
  asio::steady_timer pause(co_await asio::this_coro::executor);
  while (monotonic_now() + ask_again < deadline) {
    pause.expires_after(ask_again);
    co_await pause.async_wait(asio::use_awaitable);
    try {
      co_await lease.open(conninfo_, deadline);
      if (auto known = co_await stored(*lease.connection, envelope, deadline)) {
        lease.clean = true;
        if (known->origin == Reply::Origin::replayed) known->origin = Reply::Origin::fresh;  // it is our own
        co_return std::move(*known);
      }
      lease.clean = true;
    } catch (const std::exception&) {  // still away: ask until the deadline
    }
  }
  co_return problem(ProblemCode::database_unavailable);
}

}  // namespace tenon::writes
