#include "chaos/link.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

namespace tenon::chaos {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t queued_most = 1024 * 1024;  // of one direction: beyond it, the sender has to wait

std::size_t index(Way way) { return static_cast<std::size_t>(way); }

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int tcp_socket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
  return fd;
}

void at_once(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void end(int& fd, bool abruptly) {
  if (fd < 0) return;
  if (abruptly) {
    const linger none{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  }
  close(std::exchange(fd, -1));
}

}  // namespace

std::string_view name_of(Moment moment) noexcept {
  switch (moment) {
    case Moment::before_statement:
      return "before the statement";
    case Moment::in_statement:
      return "within the statement";
    case Moment::statement_sent:
      return "statement sent";
    case Moment::after_commit:
      return "after COMMIT";
    case Moment::in_answer:
      return "within the answer";
    case Moment::after_answer:
      return "after the answer";
  }
  return "?";
}

Link::Link(Protocol protocol)
    : protocol_(protocol), listener_(tcp_socket()), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 512) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

Link::~Link() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  eventfd_write(wake_, 1);
  thread_.join();
  for (Pair& pair : pairs_) close_pair(pair, true);
  close(listener_);
  close(wake_);
}

void Link::aim(std::uint16_t server) {
  const std::lock_guard lock(mutex_);
  target_ = server;
}

void Link::slow(milliseconds latency, std::size_t bytes_per_second) {
  const std::lock_guard lock(mutex_);
  latency_ = latency;
  bytes_per_second_ = bytes_per_second;
}

void Link::hold(bool up, bool down) {
  const std::lock_guard lock(mutex_);
  held_ = {up, down};
}

void Link::release() {
  {
    const std::lock_guard lock(mutex_);
    held_ = {};
  }
  eventfd_write(wake_, 1);
}

void Link::reset() {
  {
    const std::lock_guard lock(mutex_);
    for (Pair& pair : pairs_) strike(pair);
  }
  eventfd_write(wake_, 1);
}

void Link::cut_at(Moment moment) {
  const std::lock_guard lock(mutex_);
  armed_ = moment;
}

void Link::cut_after(Way way, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  cut_after_ = {way, bytes};
}

void Link::disarm() {
  const std::lock_guard lock(mutex_);
  armed_.reset();
  cut_after_.reset();
}

LinkCounts Link::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

int Link::timeout(Monotonic now) const {
  auto least = milliseconds(1'000);
  for (const Pair& pair : pairs_) {
    for (const Way way : {Way::up, Way::down}) {
      const Direction& direction = pair.ways[index(way)];
      if (held_[index(way)] || direction.queue.empty() || direction.queue.front().due <= now) continue;
      least = std::min(least, std::chrono::ceil<milliseconds>(direction.queue.front().due - now));
    }
  }
  return static_cast<int>(least.count());
}

void Link::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    for (Pair& pair : pairs_) {
      if (pair.doomed) close_pair(pair, true);
    }
    std::erase_if(pairs_, [](const Pair& pair) { return pair.client < 0 && pair.server < 0; });
    const Monotonic now = monotonic_now();
    std::vector<pollfd> waiting{{.fd = wake_, .events = POLLIN, .revents = 0},
                                {.fd = listener_, .events = POLLIN, .revents = 0}};
    for (const Pair& pair : pairs_) {
      const auto wanted = [&](Way in, Way out) {
        const Direction& from = pair.ways[index(in)];
        const Direction& to = pair.ways[index(out)];
        const bool reads = !from.ended && from.queued < queued_most;
        const bool sends = !held_[index(out)] && !to.queue.empty() && to.queue.front().due <= now;
        return static_cast<short>((reads ? POLLIN : 0) | (sends ? POLLOUT : 0));
      };
      const short client = wanted(Way::up, Way::down);
      const short server = wanted(Way::down, Way::up);
      waiting.push_back({.fd = client != 0 ? pair.client : -1, .events = client, .revents = 0});
      waiting.push_back({.fd = server != 0 ? pair.server : -1, .events = server, .revents = 0});
    }
    const int patience = timeout(now);
    lock.unlock();
    poll(waiting.data(), waiting.size(), patience);
    lock.lock();
    eventfd_t ignored = 0;
    eventfd_read(wake_, &ignored);
    std::size_t n = 2;
    for (Pair& pair : pairs_) {
      const short client = waiting[n].revents;
      const short server = waiting[n + 1].revents;
      n += 2;
      if ((client & ~POLLOUT) != 0) read(pair, Way::up);
      if ((server & ~POLLOUT) != 0) read(pair, Way::down);
      const Monotonic then = monotonic_now();
      pump(pair, Way::up, then);
      pump(pair, Way::down, then);
    }
    if (waiting[1].revents != 0) accept();
  }
}

void Link::accept() {
  int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return;
  ++counts_.connections;
  int server = target_ != 0 ? tcp_socket() : -1;
  const sockaddr_in address = loopback(target_);
  // On the loopback a connect is answered at once, also by a server that is frozen.
  if (server < 0 ||
      (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS)) {
    end(client, true);
    end(server, true);
    return;
  }
  at_once(client);
  at_once(server);
  Pair& pair = pairs_.emplace_back();
  pair.client = client;
  pair.server = server;
  if (protocol_ == Protocol::postgres) {
    pair.ways[index(Way::up)].reader.emplace(true);
    pair.ways[index(Way::down)].reader.emplace(false);
  }
}

void Link::read(Pair& pair, Way way) {
  const int fd = way == Way::up ? pair.client : pair.server;
  if (fd < 0 || pair.doomed) return;
  std::array<char, 64 * 1024> bytes;
  const ssize_t size = recv(fd, bytes.data(), bytes.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size < 0) {
    pair.doomed = true;  // as the one side was reset, so is the other
    return;
  }
  Direction& direction = pair.ways[index(way)];
  if (size == 0) {
    direction.ended = true;
    if (pair.deaf && way == Way::down) close_pair(pair, false);
    return;
  }
  if (pair.deaf) return close_pair(pair, true);  // it has finished, and finds nobody
  if (held_[index(way)]) counts_.held_bytes += static_cast<std::uint64_t>(size);
  take(pair, way, {bytes.data(), static_cast<std::size_t>(size)});
}

void Link::take(Pair& pair, Way way, std::string_view bytes) {
  if (cut_after_ && cut_after_->first == way) {
    if (bytes.size() > cut_after_->second) {
      const std::string_view last = bytes.substr(0, cut_after_->second);
      cut_after_.reset();
      const int to = way == Way::up ? pair.server : pair.client;
      if (to >= 0) (void)send(to, last.data(), last.size(), MSG_NOSIGNAL);
      return strike(pair);
    }
    cut_after_->second -= bytes.size();
  }
  Direction& direction = pair.ways[index(way)];
  if (!direction.reader) return pass(pair, way, bytes);
  for (const Message& message : direction.reader->feed(bytes)) {
    if (pair.doomed || pair.deaf) return;
    take_message(pair, way, message);
  }
}

void Link::take_message(Pair& pair, Way way, const Message& message) {
  if (way == Way::up && pair.spotter.begins_write(message) && armed_ && !pair.writing) {
    pair.writing = std::exchange(armed_, std::nullopt);
    if (pair.writing == Moment::before_statement) return strike(pair);
    if (pair.writing == Moment::in_statement) {
      (void)send(pair.server, message.bytes.data(), message.bytes.size() / 2, MSG_NOSIGNAL);
      return strike(pair);
    }
  }
  if (!pair.writing) return pass(pair, way, message.bytes);
  if (way == Way::up) {
    pass(pair, way, message.bytes);
    if (pair.writing == Moment::statement_sent && message.type == 'S') {
      pump(pair, Way::up, Monotonic::max());
      end(pair.client, true);
      pair.deaf = true;
      ++counts_.cuts;
    }
    return;
  }
  // The answer, kept until ReadyForQuery says that the transaction is over.
  pair.answer += message.bytes;
  if (message.type != 'Z') return;
  if (pair.writing == Moment::in_answer) {
    (void)send(pair.client, pair.answer.data(), pair.answer.size() / 2, MSG_NOSIGNAL);
  } else if (pair.writing == Moment::after_answer) {
    (void)send(pair.client, pair.answer.data(), pair.answer.size(), MSG_NOSIGNAL);
    // Not by RST, which may take away what has arrived but was not read.
    close_pair(pair, false);
    ++counts_.cuts;
    return;
  }
  strike(pair);
}

void Link::pass(Pair& pair, Way way, std::string_view bytes) {
  Direction& direction = pair.ways[index(way)];
  const Monotonic now = monotonic_now();
  Monotonic due = now + latency_;
  if (bytes_per_second_ > 0) {
    due = std::max(due, direction.last_due) +
          std::chrono::nanoseconds(1'000'000'000ULL * bytes.size() / bytes_per_second_);
  }
  due = std::max(due, direction.last_due);
  if (due > now) counts_.late_bytes += bytes.size();
  direction.last_due = due;
  direction.queued += bytes.size();
  counts_.passed_bytes += bytes.size();
  if (!direction.queue.empty() && direction.queue.back().due == due) {
    direction.queue.back().bytes += bytes;
  } else {
    direction.queue.push_back({due, std::string(bytes)});
  }
}

void Link::pump(Pair& pair, Way way, Monotonic now) {
  int& to = way == Way::up ? pair.server : pair.client;
  Direction& direction = pair.ways[index(way)];
  if (to < 0 || pair.doomed || held_[index(way)]) return;
  while (!direction.queue.empty() && direction.queue.front().due <= now) {
    std::string& bytes = direction.queue.front().bytes;
    const ssize_t sent = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) pair.doomed = true;
      return;
    }
    direction.queued -= static_cast<std::size_t>(sent);
    bytes.erase(0, static_cast<std::size_t>(sent));
    if (!bytes.empty()) return;
    direction.queue.pop_front();
  }
  if (direction.ended && direction.queue.empty()) {
    shutdown(to, SHUT_WR);
    if (pair.ways[0].ended && pair.ways[1].ended && pair.ways[0].queue.empty() && pair.ways[1].queue.empty()) {
      close_pair(pair, false);
    }
  }
}

void Link::strike(Pair& pair) {
  if (pair.doomed) return;
  pair.doomed = true;
  ++counts_.cuts;
}

void Link::close_pair(Pair& pair, bool abruptly) {
  end(pair.client, abruptly);
  end(pair.server, abruptly);
}

}  // namespace tenon::chaos
