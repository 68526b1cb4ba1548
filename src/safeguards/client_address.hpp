// Who a request comes from, as far as the network tells.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace tenon::safeguards {

// A CIDR block: "10.0.0.0/8", "fd00::/8", "192.0.2.1" (itself alone). Bits of the base below the prefix do not count.
struct Network {
  boost::asio::ip::address base;
  unsigned prefix_bits = 0;
  [[nodiscard]] bool contains(const boost::asio::ip::address& address) const noexcept;
  [[nodiscard]] static std::optional<Network> parse(std::string_view text);
};

// ::ffff:192.0.2.1 is 192.0.2.1.
[[nodiscard]] boost::asio::ip::address unmapped(const boost::asio::ip::address& address);

// The client's address: the peer, unless the peer is a trusted proxy; then the rightmost hop that is not trusted, read
// over all Forwarded (RFC 7239) or all X-Forwarded-For lines. Where both are there they must name the same client, or
// it is the peer. A hop that cannot be read ends the walk: the last trusted hop before it is charged. At most 100 hops
// are read. Pure.
[[nodiscard]] boost::asio::ip::address client_address(const http::Request& request, std::span<const Network> trusted);

// The address as text, as to_string() has it, but without printf for IPv4: it is in every line of the log.
[[nodiscard]] std::string text_of(const boost::asio::ip::address& address);

// What a limit counts an address as: IPv4 whole, IPv6 by its /64.
[[nodiscard]] std::string subject_of(const boost::asio::ip::address& address);

}  // namespace tenon::safeguards
