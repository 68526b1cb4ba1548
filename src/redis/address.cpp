#include "redis/address.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tenon::redis {
namespace {

using Wrong = std::unexpected<std::string>;

constexpr int database_max = 1'000'000;
constexpr std::size_t socket_path_bytes_max = 107;  // sockaddr_un, without its terminating zero

template <class Number>
[[nodiscard]] std::optional<Number> number_of(std::string_view digits) noexcept {
  Number number{};
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (digits.empty() || digits.front() < '0' || digits.front() > '9' || error != std::errc{} || stop != end) {
    return std::nullopt;
  }
  return number;
}

[[nodiscard]] int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
    if (low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

[[nodiscard]] std::optional<std::string> read_login(std::string_view login, Address& address) {
  const std::size_t colon = login.find(':');
  const auto user = percent_decoded(colon == std::string_view::npos ? login : login.substr(0, colon));
  const auto password = percent_decoded(colon == std::string_view::npos ? "" : login.substr(colon + 1));
  if (!user || !password) return "its user or password has a % that no two hexadecimal digits follow";
  if (password->empty()) return "a user without a password: write user:password@ or :password@";
  address.user = *user;
  address.password = *password;
  return std::nullopt;
}

// `quotable`: what is wrong with it may be quoted. Where no login stands before the hosts, one may have been meant.
[[nodiscard]] std::expected<Endpoint, std::string> read_endpoint(std::string_view text, bool quotable) {
  const std::string quoted = quotable ? "\"" + std::string(text) + "\"" : "what stands for a host";
  Endpoint endpoint;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return Wrong(quoted + " has no closing bracket");
    endpoint.host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    has_port = rest.starts_with(':');
    if (!rest.empty() && !has_port) return Wrong(quoted + " goes on after its bracket");
    if (has_port) port = rest.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    has_port = colon != std::string_view::npos;
    endpoint.host = text.substr(0, colon);
    if (has_port) port = text.substr(colon + 1);
    if (port.contains(':')) return Wrong(quoted + ": an IPv6 address stands in brackets");
  }
  if (endpoint.host.empty()) return Wrong("a host is missing");
  const auto odd = [](char c) { return c <= ' ' || c >= 127 || std::string_view("/?#@[]%").contains(c); };
  if (std::ranges::any_of(endpoint.host, odd)) return Wrong(quoted + " is not a host");
  if (has_port) {
    const auto parsed = number_of<std::uint16_t>(port);
    if (!parsed || *parsed == 0) return Wrong(quoted + ": a port is a number from 1 to 65535");
    endpoint.port = *parsed;
  }
  return endpoint;
}

[[nodiscard]] std::optional<std::string> read_database(std::string_view text, Address& address) {
  const auto database = number_of<int>(text);
  if (!database || *database > database_max) return "its database must be a number, as in redis://host:6379/0";
  address.database = *database;
  return std::nullopt;
}

// What follows "redis://" or "rediss://".
[[nodiscard]] std::optional<std::string> read_hosts(std::string_view rest, Address& address) {
  // The last @: a password that was not encoded may have one.
  const std::size_t at = rest.rfind('@');
  const bool has_login = at != std::string_view::npos;
  if (has_login) {
    if (auto wrong = read_login(rest.substr(0, at), address)) return wrong;
    rest.remove_prefix(at + 1);
  }
  if (rest.find_first_of("?#") != std::string_view::npos) return "it takes no ? and no #";
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos && slash + 1 < rest.size()) {
    if (auto wrong = read_database(rest.substr(slash + 1), address)) return wrong;
  }
  rest = rest.substr(0, slash);
  for (;;) {
    const std::size_t comma = rest.find(',');
    auto endpoint = read_endpoint(rest.substr(0, comma), has_login);
    if (!endpoint) return endpoint.error();
    address.endpoints.push_back(std::move(*endpoint));
    if (comma == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(comma + 1);
  }
}

// What follows "unix:".
[[nodiscard]] std::optional<std::string> read_socket(std::string_view rest, Address& address) {
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const std::size_t at = rest.rfind('@');
    if (at != std::string_view::npos) {
      if (auto wrong = read_login(rest.substr(0, at), address)) return wrong;
      rest.remove_prefix(at + 1);
    }
  }
  const std::size_t question = rest.find('?');
  const std::string_view path = rest.substr(0, question);
  if (!path.starts_with('/')) return "the path of a Unix socket begins with a slash: unix:/run/redis.sock";
  if (path.size() > socket_path_bytes_max) return "a Unix socket's path has 107 bytes at most";
  address.endpoints.push_back({.host = std::string(path), .port = 0});
  if (question == std::string_view::npos) return std::nullopt;
  const std::string_view query = rest.substr(question + 1);
  if (!query.starts_with("db=")) return "after the ? of a Unix socket only db=N is known";
  return read_database(query.substr(3), address);
}

[[nodiscard]] std::optional<std::string> read(std::string_view url, Address& address) {
  if (url.size() > 2048) return "it is longer than 2048 bytes";
  if (url.starts_with("unix:")) {
    address.transport = Address::Transport::unix_socket;
    return read_socket(url.substr(5), address);
  }
  if (url.starts_with("redis://")) return read_hosts(url.substr(8), address);
  if (url.starts_with("rediss://")) {
    address.transport = Address::Transport::tls;
    return read_hosts(url.substr(9), address);
  }
  return "it must begin with redis://, rediss:// (TLS) or unix:";
}

}  // namespace

std::string Address::describe() const {
  std::string text = transport == Transport::unix_socket ? "unix:"
                     : transport == Transport::tls       ? "rediss://"
                                                         : "redis://";
  for (const Endpoint& endpoint : endpoints) {
    if (&endpoint != &endpoints.front()) text += ',';
    if (transport == Transport::unix_socket) {
      text += endpoint.host;
      continue;
    }
    const bool brackets = endpoint.host.contains(':');
    text += (brackets ? "[" : "") + endpoint.host + (brackets ? "]:" : ":") + std::to_string(endpoint.port);
  }
  return text + (transport == Transport::unix_socket ? "?db=" : "/") + std::to_string(database);
}

std::expected<Address, std::string> parse_address(std::string_view url) {
  Address address;
  if (auto wrong = read(url, address)) return Wrong(std::move(*wrong));
  return address;
}

}  // namespace tenon::redis
