// Keyed work that is more than one operation: an open transaction, handed to a coroutine.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "postgres/connection.hpp"
#include "writes/command.hpp"
#include "writes/reply.hpp"

namespace tenon::writes {

// Does the work inside the transaction that it is handed and says what to answer: a 2xx, or a refusal (`problem` set,
// status 404 or 409). It must not commit or roll back, and must not keep the connection. What it throws rolls
// everything back. It may only change what tenon_edge may: tables of its own that were granted to it, and functions.
// It may be called several times, after a deadlock say or a lost connection: each time in a transaction of its own, of
// which at most one commits. So it does nothing outside of its transaction, and does not use up what it captured.
using Execute = std::function<boost::asio::awaitable<Reply>(postgres::Connection& transaction)>;

class Transactions {
 public:
  // At most `connections_max` per io_context, opened when needed. All arguments outlive it.
  Transactions(std::span<boost::asio::io_context* const> contexts, std::string conninfo, std::size_t connections_max,
               Logger& log);

  // Runs `execute` unless the key has a stored answer; stores its reply in the same transaction. Called on `here`'s
  // thread; `execute` lives until it returns. Problems: overloaded (no connection free), database_unavailable (outcome
  // unknown: ask again with the same key), internal_error (rolled back). A concurrent duplicate on another node makes
  // this one roll back and answer what the other stored.
  [[nodiscard]] boost::asio::awaitable<Result<Reply>> run(boost::asio::io_context& here, const Envelope& envelope,
                                                          const Execute& execute, Monotonic deadline);

 private:
  struct Pool {
    std::vector<std::unique_ptr<postgres::Connection>> idle;
    std::size_t lent = 0;
  };
  class Lease;

  // `committing` is set before COMMIT is sent: until then a lost connection means that nothing happened.
  [[nodiscard]] boost::asio::awaitable<Result<Reply>> attempt(Lease& lease, const Envelope& envelope,
                                                              const Execute& execute, Monotonic deadline,
                                                              bool& committing);
  // After a COMMIT whose answer was lost: what is stored under the key, once the server tells.
  [[nodiscard]] boost::asio::awaitable<Result<Reply>> find_out(Lease& lease, const Envelope& envelope,
                                                               Monotonic deadline);

  std::string conninfo_;
  std::size_t connections_max_;
  Logger& log_;
  std::map<boost::asio::io_context*, Pool> pools_;  // each touched by its context's thread only
};

}  // namespace tenon::writes
