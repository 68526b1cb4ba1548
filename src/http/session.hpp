// One connection, from its first byte to its last.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "http/server_state.hpp"
#include "http/shard.hpp"

namespace tenon::http {

// Sockets name their executor's type: an any_io_executor would cost an indirect call per operation.
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

// Serves `socket`, over TLS when the server has a certificate, until either side ends it. Runs on the shard's
// io_context. Never throws.
[[nodiscard]] boost::asio::awaitable<void> serve_connection(Seat seat, std::shared_ptr<Shard> shard, Socket socket,
                                                            boost::asio::ip::address peer);

}  // namespace tenon::http
