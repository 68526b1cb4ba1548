// Open-loop load: sales, or orders of five lines, sent when they are due, whether or not the ones before them were
// answered. (wrk sends the next request once the last was answered, so a slow server gets less to do, and looks better
// than it is.)
//
//   generator PORT TOKEN ITEMS_FILE CONNECTIONS RATE SECONDS KEY_PREFIX sale|order
//
// Latencies count from when a request was due. One thread, epoll. A request that finds no free connection is not sent
// and counted as such: too many of them, and the run says nothing. Prints one JSON object a line: for each second of
// sending, and for all of it.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;

constexpr std::size_t order_lines = 5;
constexpr std::chrono::seconds patience{15};  // for the last answers: longer than a node takes at most

struct Arguments {
  int port;
  std::string token;
  std::vector<std::string> items;
  std::size_t connections;
  double rate;
  double seconds;
  std::string prefix;
  bool orders;
};

Arguments arguments_of(int count, char** texts) {
  const std::string kind = count == 9 ? texts[8] : "";
  if (kind != "sale" && kind != "order") {
    throw std::runtime_error("usage: generator PORT TOKEN ITEMS_FILE CONNECTIONS RATE SECONDS KEY_PREFIX sale|order");
  }
  Arguments arguments{std::atoi(texts[1]),
                      texts[2],
                      {},
                      std::strtoul(texts[4], nullptr, 10),
                      std::atof(texts[5]),
                      std::atof(texts[6]),
                      texts[7],
                      kind == "order"};
  std::ifstream file(texts[3]);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) arguments.items.push_back(line);
  }
  if (arguments.items.empty() || arguments.connections == 0 || arguments.rate <= 0 || arguments.seconds <= 0) {
    throw std::runtime_error("ITEMS_FILE, CONNECTIONS, RATE and SECONDS must not be empty or 0");
  }
  return arguments;
}

struct Connection {
  int fd = -1;
  bool busy = false;
  Clock::time_point due;
  std::string received;
};

// The answers of one second of sending, by when they were due.
struct Second {
  std::vector<float> admitted, refused;  // milliseconds
  int other = 0, lost = 0, unsent = 0, without_retry_after = 0;
};

double percentile(std::vector<float>& values, double part) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

void print(const char* what, int number, Second& second, double seconds) {
  std::printf(
      R"({"%s":%d,"answers":%zu,"admitted":%.0f,"admitted_p50_ms":%.2f,"admitted_p99_ms":%.2f,"refused":%.0f,)"
      R"("refused_p50_ms":%.2f,"refused_p99_ms":%.2f,"other":%d,"lost":%d,"unsent":%d,"without_retry_after":%d})"
      "\n",
      what, number, second.admitted.size(), static_cast<double>(second.admitted.size()) / seconds,
      percentile(second.admitted, 0.5), percentile(second.admitted, 0.99),
      static_cast<double>(second.refused.size()) / seconds, percentile(second.refused, 0.5),
      percentile(second.refused, 0.99), second.other, second.lost, second.unsent, second.without_retry_after);
}

class Generator {
 public:
  explicit Generator(Arguments arguments)
      : arguments_(std::move(arguments)), poll_(epoll_create1(0)), connections_(arguments_.connections) {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      open(i);
      free_.push_back(i);
    }
    seconds_.resize(static_cast<std::size_t>(arguments_.seconds) + 1);
  }

  void run() {
    began_ = Clock::now();
    const auto all = static_cast<std::size_t>(arguments_.rate * arguments_.seconds);
    std::size_t next = 0;
    while (next < all || (under_way_ > 0 && Clock::now() < due(all) + patience)) {
      for (const auto now = Clock::now(); next < all && due(next) <= now; ++next) send(next);
      receive(next < all ? 1 : 100);
    }
    for (const Connection& connection : connections_) {
      if (connection.busy) ++second_of(connection.due).lost;
    }
  }

  void report() {
    Second sum;
    for (std::size_t i = 0; i < seconds_.size(); ++i) {
      Second& one = seconds_[i];
      if (i + 1 < seconds_.size()) print("second", static_cast<int>(i), one, 1);
      sum.admitted.insert(sum.admitted.end(), one.admitted.begin(), one.admitted.end());
      sum.refused.insert(sum.refused.end(), one.refused.begin(), one.refused.end());
      sum.other += one.other;
      sum.lost += one.lost;
      sum.unsent += one.unsent;
      sum.without_retry_after += one.without_retry_after;
    }
    print("all", static_cast<int>(arguments_.rate * arguments_.seconds), sum, arguments_.seconds);
  }

 private:
  Clock::time_point due(std::size_t number) const {
    return began_ + nanoseconds(static_cast<std::int64_t>(static_cast<double>(number) / arguments_.rate * 1e9));
  }

  Second& second_of(Clock::time_point due) {
    const auto at = static_cast<std::size_t>(std::chrono::duration<double>(due - began_).count());
    return seconds_[std::min(at, seconds_.size() - 1)];
  }

  void open(std::size_t which) {
    Connection& connection = connections_[which];
    connection.fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(arguments_.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connection.fd < 0 || connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      throw std::runtime_error(std::string("cannot connect: ") + std::strerror(errno));
    }
    const int on = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = which;
    epoll_ctl(poll_, EPOLL_CTL_ADD, connection.fd, &event);
  }

  void send(std::size_t number) {
    if (free_.empty()) {
      ++second_of(due(number)).unsent;
      return;
    }
    const std::size_t which = free_.back();
    free_.pop_back();
    Connection& connection = connections_[which];
    connection.busy = true;
    connection.due = due(number);
    ++under_way_;
    const std::string request = request_of(number);
    if (::send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
      reopen(which);
    }
  }

  // A step that shares no divisor with the usual numbers of items: as spread as at random, and the same in every run.
  const std::string& item(std::size_t number) const {
    return arguments_.items[number * 7919 % arguments_.items.size()];
  }

  std::string request_of(std::size_t number) const {
    std::string line = "PATCH /api/inventory/" + item(number);
    std::string body = R"({"decrement":1})";
    if (arguments_.orders) {
      line = "POST /api/orders";
      body = R"({"lines":[)";
      for (std::size_t n = 0; n < order_lines; ++n) {
        body +=
            (n == 0 ? R"({"item_id":")" : R"(,{"item_id":")") + item(number * order_lines + n) + R"(","quantity":1})";
      }
      body += "]}";
    }
    return line + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + arguments_.token +
           "\r\nIdempotency-Key: " + arguments_.prefix + "-" + std::to_string(number) +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  void receive(int milliseconds) {
    epoll_event events[256];
    const int count = epoll_wait(poll_, events, 256, milliseconds);
    for (int i = 0; i < count; ++i) take(static_cast<std::size_t>(events[i].data.u64));
  }

  void take(std::size_t which) {
    Connection& connection = connections_[which];
    char bytes[8192];
    const ssize_t got = recv(connection.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return reopen(which);
    connection.received.append(bytes, static_cast<std::size_t>(got));
    const std::size_t head = connection.received.find("\r\n\r\n");
    if (head == std::string::npos) return;
    const std::size_t length = connection.received.find("Content-Length: ");
    const std::size_t body = length < head ? std::strtoul(connection.received.c_str() + length + 16, nullptr, 10) : 0;
    if (connection.received.size() < head + 4 + body) return;
    answered(connection, head);
    const bool closes = connection.received.find("Connection: close") < head;
    connection.received.clear();
    connection.busy = false;
    --under_way_;
    if (closes) {
      close(connection.fd);
      open(which);
    }
    free_.push_back(which);
  }

  void answered(const Connection& connection, std::size_t head) {
    Second& second = second_of(connection.due);
    const auto took =
        static_cast<float>(std::chrono::duration<double, std::milli>(Clock::now() - connection.due).count());
    const int status = std::atoi(connection.received.c_str() + 9);
    if (status == (arguments_.orders ? 201 : 200)) {
      second.admitted.push_back(took);
    } else if (status == 503) {
      second.refused.push_back(took);
      if (connection.received.find("Retry-After: ") >= head) ++second.without_retry_after;
    } else {
      ++second.other;
    }
  }

  void reopen(std::size_t which) {
    Connection& connection = connections_[which];
    close(connection.fd);
    connection.received.clear();
    if (connection.busy) {
      ++second_of(connection.due).lost;
      connection.busy = false;
      --under_way_;
      free_.push_back(which);
    }
    open(which);
  }

  Arguments arguments_;
  int poll_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> free_;
  std::vector<Second> seconds_;
  std::size_t under_way_ = 0;
  Clock::time_point began_;
};

}  // namespace

int main(int count, char** texts) {
  try {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    Generator generator(arguments_of(count, texts));
    generator.run();
    generator.report();
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "generator: %s\n", failure.what());
    return 1;
  }
  return 0;
}
