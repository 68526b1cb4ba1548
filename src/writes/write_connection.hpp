// Opening a connection that writes are acknowledged over.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "postgres/connection.hpp"

namespace tenon::writes {

// At read committed and told of warnings, whatever the login's defaults are. Throws postgres::ConnectionError, and
// std::runtime_error where the login's settings would let an acknowledged write be lost: with each connection, as the
// role may be given other settings at any time.
[[nodiscard]] boost::asio::awaitable<std::unique_ptr<postgres::Connection>> open_for_writes(
    boost::asio::any_io_executor executor, std::string conninfo, Monotonic deadline);

}  // namespace tenon::writes
