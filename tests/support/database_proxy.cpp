#include "support/database_proxy.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace tenon::test {
namespace {

constexpr std::size_t remembered_bytes = 512;
// ReadyForQuery outside of a transaction: whatever the statement changed is committed or gone.
constexpr std::string_view transaction_over{"Z\0\0\0\5I", 6};

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

int unix_socket() {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
  return fd;
}

// Blocking: what we forward is small, and both ends read.
bool forward(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void wake(int event) { eventfd_write(event, 1); }

}  // namespace

DatabaseProxy::DatabaseProxy(const std::filesystem::path& server)
    : server_(server / ".s.PGSQL.5432"), listener_(unix_socket()), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const sockaddr_un address = address_of(folder_.path() / ".s.PGSQL.5432");
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener_, 64) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot listen in " + folder_.path().string());
  }
  thread_ = std::thread([this] { run(); });
}

DatabaseProxy::~DatabaseProxy() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake(wake_);
  thread_.join();
  for (Pair& pair : pairs_) close_both(pair);
  close(listener_);
  close(wake_);
}

void DatabaseProxy::arm(std::string marker, Fault fault) {
  const std::lock_guard lock(mutex_);
  marker_ = std::move(marker);
  fault_ = fault;
  done_ = false;
}

bool DatabaseProxy::await_fault(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] { return done_; });
}

void DatabaseProxy::cut() {
  {
    const std::lock_guard lock(mutex_);
    for (Pair& pair : pairs_) {
      if (pair.struck) close_both(pair);
    }
  }
  wake(wake_);
}

void DatabaseProxy::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::erase_if(pairs_, [](const Pair& pair) { return pair.node < 0 && pair.server < 0; });
    std::vector<pollfd> waiting{{.fd = wake_, .events = POLLIN, .revents = 0},
                                {.fd = listener_, .events = POLLIN, .revents = 0}};
    for (const Pair& pair : pairs_) {  // poll passes over negative ones
      waiting.push_back({.fd = pair.node, .events = POLLIN, .revents = 0});
      waiting.push_back({.fd = pair.server, .events = POLLIN, .revents = 0});
    }
    lock.unlock();
    poll(waiting.data(), waiting.size(), -1);
    lock.lock();
    eventfd_t ignored = 0;
    eventfd_read(wake_, &ignored);
    std::size_t n = 2;  // cut() may have closed a pair meanwhile, but only we add and remove them
    for (Pair& pair : pairs_) {
      const bool node_speaks = waiting[n].revents != 0 && waiting[n].fd == pair.node;
      const bool server_speaks = waiting[n + 1].revents != 0 && waiting[n + 1].fd == pair.server;
      n += 2;
      if (node_speaks && pair.node >= 0) from_node(pair);
      if (server_speaks && pair.server >= 0) from_server(pair);
    }
    if (waiting[1].revents != 0) accept();
  }
}

void DatabaseProxy::accept() {
  const int node = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (node < 0) return;
  const int server = unix_socket();
  const sockaddr_un address = address_of(server_);
  if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(node);
    close(server);
    return;
  }
  pairs_.push_back({.node = node, .server = server, .asked = {}, .held = {}});
}

void DatabaseProxy::from_node(Pair& pair) {
  std::array<char, 64 * 1024> bytes;
  const ssize_t size = recv(pair.node, bytes.data(), bytes.size(), 0);
  if (size <= 0) return close_both(pair);
  const std::string_view piece(bytes.data(), static_cast<std::size_t>(size));
  pair.asked += piece;
  if (!marker_.empty() && pair.asked.contains(marker_)) {
    pair.struck = true;
    marker_.clear();
  }
  if (pair.asked.size() > remembered_bytes) pair.asked.erase(0, pair.asked.size() - remembered_bytes);
  if (pair.struck && fault_ == Fault::hold_statement) return report();
  if (!forward(pair.server, piece)) return close_both(pair);
  if (pair.struck && fault_ == Fault::cut_at_once) {
    close(std::exchange(pair.node, -1));
    pair.deaf = true;
    report();
  }
}

void DatabaseProxy::from_server(Pair& pair) {
  std::array<char, 64 * 1024> bytes;
  const ssize_t size = recv(pair.server, bytes.data(), bytes.size(), 0);
  if (size <= 0) return close_both(pair);
  const std::string_view piece(bytes.data(), static_cast<std::size_t>(size));
  if (pair.deaf) return;
  if (pair.struck) {
    pair.held += piece;
    if (pair.held.ends_with(transaction_over)) report();
    return;
  }
  if (!forward(pair.node, piece)) close_both(pair);
}

void DatabaseProxy::report() {
  done_ = true;
  changed_.notify_all();
}

void DatabaseProxy::close_both(Pair& pair) {
  for (int* fd : {&pair.node, &pair.server}) {
    if (*fd >= 0) close(std::exchange(*fd, -1));
  }
}

}  // namespace tenon::test
