#include "support/raw_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace tenon::test {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

void wait_until_ready(int fd, short events, std::chrono::milliseconds patience, const char* what) {
  pollfd waiting{.fd = fd, .events = events, .revents = 0};
  if (poll(&waiting, 1, static_cast<int>(patience.count())) <= 0)
    throw RawClientError(std::string("the server did not ") + what + " in time");
}

RawResponse parse_head(std::string_view head) {
  RawResponse response;
  if (!head.starts_with("HTTP/1.1 ") || head.size() < 12) throw RawClientError("malformed status line");
  std::from_chars(head.data() + 9, head.data() + 12, response.status);
  head.remove_prefix(head.find("\r\n") + 2);
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) throw RawClientError("malformed header line: " + std::string(line));
    response.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    head.remove_prefix(line.size() + 2);
  }
  return response;
}

}  // namespace

std::optional<std::string> RawResponse::header(std::string_view name) const {
  for (const auto& [sent, value] : headers)
    if (same_name(sent, name)) return value;
  return std::nullopt;
}

std::size_t RawResponse::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(headers, [&](const auto& header) { return same_name(header.first, name); }));
}

RawClient::RawClient(std::uint16_t port, std::chrono::milliseconds patience)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), patience_(patience) {
  if (fd_ < 0) throw RawClientError("no socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(std::exchange(fd_, -1));
    throw RawClientError(std::string("cannot connect: ") + std::strerror(errno));
  }
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

RawClient::~RawClient() {
  if (fd_ >= 0) close(fd_);
}

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    wait_until_ready(fd_, POLLOUT, patience_, "take our bytes");
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void RawClient::finish_sending() { shutdown(fd_, SHUT_WR); }

bool RawClient::receive_more() {
  wait_until_ready(fd_, POLLIN, patience_, "answer");
  std::array<char, 16 * 1024> bytes;
  const ssize_t received = recv(fd_, bytes.data(), bytes.size(), 0);
  if (received <= 0) return false;
  unread_.append(bytes.data(), static_cast<std::size_t>(received));
  return true;
}

void RawClient::receive_until(std::size_t bytes) {
  while (unread_.size() < bytes)
    if (!receive_more()) throw RawClientError("the server closed the connection in the middle of its answer");
}

RawResponse RawClient::read(bool to_head) {
  std::size_t end = 0;
  while ((end = unread_.find("\r\n\r\n")) == std::string::npos)
    if (!receive_more()) throw RawClientError("the server closed the connection without an answer: '" + unread_ + "'");
  RawResponse response = parse_head(std::string_view(unread_).substr(0, end + 2));
  unread_.erase(0, end + 4);
  if (const auto length = response.header("Content-Length"); length && !to_head) {
    const std::size_t bytes = std::stoul(*length);
    receive_until(bytes);
    response.body = unread_.substr(0, bytes);
    unread_.erase(0, bytes);
  }
  return response;
}

bool RawClient::closed() { return unread_.empty() && !receive_more(); }

RawResponse exchange(std::uint16_t port, std::string_view bytes) {
  RawClient client(port);
  client.send(bytes);
  return client.read();
}

}  // namespace tenon::test
