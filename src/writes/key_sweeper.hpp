// Frees the storage of expired idempotency keys: turns partitions (sql/migrations/0003_idempotency_keys.sql). And makes
// those of the audit log's months to come (0002_audit.sql).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <string>

#include "base/log.hpp"
#include "postgres/connection.hpp"

namespace tenon::writes {

// Any number of nodes may run one; the database lets one at a time do the work. Runs on `context`, which one thread
// runs.
class KeySweeper {
 public:
  KeySweeper(boost::asio::io_context& context, std::string conninfo, Logger& log);
  void start();
  void stop();  // from any thread

 private:
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> turn();

  boost::asio::io_context& context_;
  std::string conninfo_;
  Logger& log_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<postgres::Connection> connection_;
  unsigned turns_ = 0;
  bool stopping_ = false;
};

}  // namespace tenon::writes
