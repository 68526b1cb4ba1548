#include "support/tcp_peers.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

namespace tenon::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

int listen_somewhere(int backlog, std::uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd, backlog) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    fail("cannot listen");
  }
  port = ntohs(address.sin_port);
  return fd;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

MutePeer::MutePeer() : MutePeer(512) {}
MutePeer::MutePeer(int backlog) : listener_(listen_somewhere(backlog, port_)) {}
MutePeer::~MutePeer() { close(listener_); }

FullPeer::FullPeer() : MutePeer(0) {
  // A backlog of 0 holds one or two; what comes after that gets no answer, and waits here without blocking.
  for (int i = 0; i < 4; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const sockaddr_in address = loopback(port());
    std::ignore = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    waiting_.push_back(fd);
  }
}

FullPeer::~FullPeer() {
  for (const int fd : waiting_) close(fd);
}

TcpProxy::TcpProxy(std::uint16_t server)
    : listener_(listen_somewhere(512, port_)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), server_(server) {
  thread_ = std::thread([this] { run(); });
}

TcpProxy::~TcpProxy() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  eventfd_write(wake_, 1);
  thread_.join();
  for (Pair& pair : pairs_) close_both(pair);
  close(listener_);
  close(wake_);
}

void TcpProxy::set(Mode mode) {
  std::unique_lock lock(mutex_);
  mode_ = mode;
  changed_ = true;
  eventfd_write(wake_, 1);
  seen_.wait(lock, [this] { return !changed_; });
}

void TcpProxy::point_to(std::uint16_t server) {
  const std::lock_guard lock(mutex_);
  server_ = server;
}

void TcpProxy::delay(std::chrono::milliseconds answers) {
  const std::lock_guard lock(mutex_);
  delay_ = answers;
}

void TcpProxy::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (std::exchange(changed_, false)) {
      for (Pair& pair : pairs_) {
        if (mode_ == Mode::refuse || (mode_ != Mode::hold && pair.spoilt)) close_both(pair);
      }
      seen_.notify_all();
    }
    std::erase_if(pairs_, [](const Pair& pair) { return pair.client < 0; });
    const short interest = mode_ == Mode::hold ? 0 : POLLIN;
    std::vector<pollfd> waiting{{.fd = wake_, .events = POLLIN, .revents = 0},
                                {.fd = listener_, .events = POLLIN, .revents = 0}};
    for (Pair& pair : pairs_) {
      if (interest == 0) pair.spoilt = true;
      waiting.push_back({.fd = interest == 0 ? -1 : pair.client, .events = interest, .revents = 0});
      waiting.push_back({.fd = interest == 0 ? -1 : pair.server, .events = interest, .revents = 0});
    }
    lock.unlock();
    poll(waiting.data(), waiting.size(), -1);
    lock.lock();
    eventfd_t ignored = 0;
    eventfd_read(wake_, &ignored);
    if (changed_) continue;
    std::size_t n = 2;
    for (Pair& pair : pairs_) {
      if (waiting[n].revents != 0) pass(pair, true);
      if (waiting[n + 1].revents != 0 && pair.client >= 0) pass(pair, false);
      n += 2;
    }
    if (waiting[1].revents != 0) accept();
  }
}

void TcpProxy::accept() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  if (mode_ == Mode::refuse) {
    close(client);
    return;
  }
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(server_);
  if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(client);
    close(server);
    return;
  }
  pairs_.push_back({.client = client, .server = server});
}

void TcpProxy::pass(Pair& pair, bool from_client) {
  std::array<char, 64 * 1024> bytes;
  const ssize_t size = recv(from_client ? pair.client : pair.server, bytes.data(), bytes.size(), 0);
  if (size <= 0) return close_both(pair);
  if (mode_ == Mode::garbage) {
    if (from_client && !send_all(pair.client, "HTTP/1.1 200 OK\r\n\r\n<html>\x01\xff")) close_both(pair);
    return;
  }
  if (!from_client && delay_.count() > 0) poll(nullptr, 0, static_cast<int>(delay_.count()));
  if (!send_all(from_client ? pair.server : pair.client, {bytes.data(), static_cast<std::size_t>(size)}))
    close_both(pair);
}

void TcpProxy::close_both(Pair& pair) {
  for (int* fd : {&pair.client, &pair.server}) {
    if (*fd >= 0) close(std::exchange(*fd, -1));
  }
}

}  // namespace tenon::test
