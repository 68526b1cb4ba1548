// The hops that proxies wrote into Forwarded (RFC 7239) or X-Forwarded-For, nearest first.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "http/message.hpp"

namespace tenon::safeguards {

// An IPv4 or IPv6 address and nothing else: no port, no zone, no brackets.
[[nodiscard]] std::optional<boost::asio::ip::address> parse_address(std::string_view text);

enum class HopSyntax : std::uint8_t { forwarded, x_forwarded_for };

// Reads from the right, over all lines of the header. So what a client wrote, an unclosed quote for example, cannot
// change how the entries that proxies appended after it are read.
class Hops {
 public:
  Hops(std::span<const http::Header> headers, HopSyntax syntax) noexcept : headers_(headers), syntax_(syntax) {}

  // The next hop, farther from us; nothing when there is none or it cannot be read, which ends the walk.
  [[nodiscard]] std::optional<boost::asio::ip::address> next();

 private:
  [[nodiscard]] bool open_line() noexcept;
  [[nodiscard]] std::string_view cut_element() noexcept;

  std::span<const http::Header> headers_;  // those not looked at yet
  HopSyntax syntax_;
  std::optional<std::string_view> line_;  // what is left of the line being read
};

}  // namespace tenon::safeguards
