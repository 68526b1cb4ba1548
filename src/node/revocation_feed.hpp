// Brings a node's list of revocations up to date, and keeps it so.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "base/log.hpp"
#include "postgres/connection.hpp"
#include "safeguards/revocations.hpp"

namespace tenon {

// Asks the database for what has changed every limits::revocation_refresh. So a revocation that was answered is known
// to every node within that time and the time of one small query; for as long as the database is away, nothing new is
// known, and the list stays as it is. What has expired a day ago is forgotten now and then. Runs on `context`, which
// one thread runs.
class RevocationFeed {
 public:
  RevocationFeed(boost::asio::io_context& context, std::string conninfo, safeguards::RevocationList& list, Logger& log);

  // To be awaited before the first request is served. Throws what a connection throws.
  boost::asio::awaitable<void> load();
  void start();
  void stop();                                        // from any thread
  [[nodiscard]] double age_seconds() const noexcept;  // since the list was last known to be complete

 private:
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<bool> take_page(Monotonic deadline);  // false: that was all
  void forget_expired();

  boost::asio::io_context& context_;
  std::string conninfo_;
  safeguards::RevocationList& list_;
  Logger& log_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<postgres::Connection> connection_;
  std::int64_t change_ = 0;  // the last one that is in the list
  std::size_t lasting_ = 0;  // how long the list was when what had expired was last forgotten
  std::atomic<std::int64_t> known_at_ = 0;
  bool troubled_ = false;
  bool stopping_ = false;
};

}  // namespace tenon
