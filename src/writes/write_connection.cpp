#include "writes/write_connection.hpp"

#include <stdexcept>
#include <string>

namespace tenon::writes {

boost::asio::awaitable<std::unique_ptr<postgres::Connection>> open_for_writes(boost::asio::any_io_executor executor,
                                                                              std::string conninfo,
                                                                              Monotonic deadline) {
  auto connection = co_await postgres::Connection::open(std::move(executor), std::move(conninfo), deadline);
  const postgres::Rows rows = co_await connection->script(
      "SET default_transaction_isolation = 'read committed';"
      "SET client_min_messages = warning;"  // of a COMMIT that does not wait for the standby (connection.cpp)
      "SELECT current_setting('synchronous_commit'), current_setting('synchronous_standby_names') <> ''",
      deadline);
  const std::string waits_for = rows.text(0, 0);
  if (waits_for == "off") {
    throw std::runtime_error("synchronous_commit is off for this login: what is acknowledged could be lost");
  }
  if (waits_for == "local" && rows.text(0, 1) == "t") {
    throw std::runtime_error("synchronous_commit is local for this login: a fail-over could lose what is acknowledged");
  }
  co_return connection;
}

}  // namespace tenon::writes
