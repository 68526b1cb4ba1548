// Where a Redis is, and as whom to log in: what --redis-url says.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::redis {

struct Endpoint {
  std::string host;  // a name or a numeric address, without brackets; a Unix socket's path
  std::uint16_t port = 6379;
  bool operator==(const Endpoint&) const = default;
};

struct Address {
  enum class Transport : std::uint8_t { tcp, tls, unix_socket };
  Transport transport = Transport::tcp;
  std::vector<Endpoint> endpoints = {};  // at least one; the primary among them is looked for in this order
  std::string user = {};                 // empty: the default user
  std::string password = {};             // empty: none
  int database = 0;

  // For logs: transport, hosts and database, never user or password.
  [[nodiscard]] std::string describe() const;
};

// redis://[[user]:password@]host[:port][,host[:port]...][/database], rediss:// for TLS, unix:/path[?db=N] (or
// unix:///path, unix://user:password@/path). User and password are percent-decoded. Several hosts: the one that is
// primary is used. Otherwise what is wrong, in a sentence that quotes neither user nor password.
[[nodiscard]] std::expected<Address, std::string> parse_address(std::string_view url);

}  // namespace tenon::redis
