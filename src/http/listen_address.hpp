// HOST:PORT as a setting gives it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string_view>

namespace tenon::http {

// HOST: an IPv4 address, an IPv6 address in brackets, or localhost (127.0.0.1). Throws std::runtime_error otherwise.
[[nodiscard]] boost::asio::ip::tcp::endpoint listen_address(std::string_view text);

}  // namespace tenon::http
