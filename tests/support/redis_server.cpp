#include "support/redis_server.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <random>
#include <stdexcept>
#include <tuple>

namespace tenon::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {
    if (fd < 0) throw std::runtime_error("no socket");
  }
  ~Descriptor() { close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

void wait_a_little() { poll(nullptr, 0, 5); }  // for what another process is about to do

void connect_to(int fd, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("nobody listens on the Unix socket");
  }
}

void send_command(int fd, const std::vector<std::string_view>& parts) {
  std::string command;
  redis::append_command(command, parts);
  if (send(fd, command.data(), command.size(), MSG_NOSIGNAL) < 0) throw std::runtime_error("redis-server has gone");
}

redis::Reply exchange(int fd, const std::vector<std::string_view>& parts) {
  send_command(fd, parts);
  redis::Reader reader;
  std::array<char, 16 * 1024> bytes;
  for (;;) {
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, 5'000) <= 0) throw std::runtime_error("redis-server does not answer");
    const ssize_t size = recv(fd, bytes.data(), bytes.size(), 0);
    if (size <= 0) throw std::runtime_error("redis-server ended the connection");
    if (!reader.feed({bytes.data(), static_cast<std::size_t>(size)})) throw std::runtime_error("no memory");
    if (auto reply = reader.next()) return std::move(*reply);
  }
}

}  // namespace

std::uint16_t free_port() {
  std::random_device random;
  std::uniform_int_distribution<int> any(10'000, 32'000);
  for (int attempt = 0; attempt < 100; ++attempt) {
    const Descriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto port = static_cast<std::uint16_t>(any(random));
    address.sin_port = htons(port);
    if (bind(listener.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return port;
  }
  throw std::runtime_error("no free port");
}

RedisServer::RedisServer(RedisOptions options)
    : options_(std::move(options)), port_(free_port()), cluster_port_(options_.cluster ? free_port() : 0) {
  // The server and its checker are one program, which goes by its name. The package with the name redis-server would
  // also start a server of the system.
  std::filesystem::create_symlink("/usr/bin/redis-check-rdb", program());
  if (options_.tls) make_certificate();
  start();
}

RedisServer::~RedisServer() {
  if (program_) thaw();
}

std::string RedisServer::url() const {
  const std::string login = options_.password.empty() ? "" : ":" + options_.password + "@";
  return (options_.tls ? "rediss://" : "redis://") + login + (options_.tls ? "localhost:" : "127.0.0.1:") +
         std::to_string(port_);
}

void RedisServer::make_certificate() const {
  ChildProgram openssl({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-out", certificate(), "-keyout", folder_.path() / "redis.key"},
                       folder_.path() / "errors");
  if (openssl.await_end(std::chrono::seconds(30)) != 0) throw std::runtime_error("openssl: " + openssl.errors());
}

std::vector<std::string> RedisServer::arguments() const {
  const std::string port = std::to_string(port_);
  std::vector<std::string> all{program(),
                               "--bind",
                               "127.0.0.1",
                               "--dir",
                               folder_.path(),
                               "--unixsocket",
                               socket(),
                               "--save",
                               "",
                               "--appendonly",
                               "no",
                               "--loglevel",
                               "warning",
                               "--repl-diskless-sync-delay",
                               "0",
                               "--io-threads",
                               "1"};
  if (options_.tls) {
    const std::vector<std::string> tls{"--port",
                                       "0",
                                       "--tls-port",
                                       port,
                                       "--tls-cert-file",
                                       certificate(),
                                       "--tls-key-file",
                                       folder_.path() / "redis.key",
                                       "--tls-auth-clients",
                                       "no"};
    all.insert(all.end(), tls.begin(), tls.end());
  } else {
    all.insert(all.end(), {"--port", port});
  }
  if (options_.cluster) {
    // Its own choice would be 10,000 above the first, where the kernel takes the ports of connections from.
    all.insert(all.end(), {"--cluster-enabled", "yes", "--cluster-port", std::to_string(cluster_port_)});
  }
  if (!options_.password.empty()) all.insert(all.end(), {"--requirepass", options_.password});
  all.insert(all.end(), options_.settings.begin(), options_.settings.end());
  return all;
}

void RedisServer::start() {
  program_.emplace(arguments(), folder_.path() / "errors");
  const auto until = steady_clock::now() + std::chrono::seconds(20);
  while (!answers()) {
    if (steady_clock::now() > until || program_->await_end(milliseconds(0))) {
      throw std::runtime_error("redis-server did not start: " + program_->output() + program_->errors());
    }
    wait_a_little();
  }
}

bool RedisServer::answers() const {
  try {
    return ask({"PING"}).text == "PONG";
  } catch (const std::runtime_error&) {
    return false;
  }
}

void RedisServer::kill_hard() {
  program_->signal(SIGKILL);
  std::ignore = program_->await_end(std::chrono::seconds(10));
}

void RedisServer::freeze() const { program_->signal(SIGSTOP); }
void RedisServer::thaw() const { program_->signal(SIGCONT); }

void RedisServer::replicate(const RedisServer& primary) {
  ask({"REPLICAOF", "127.0.0.1", std::to_string(primary.port())});
  const auto until = steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    const redis::Reply role = ask({"ROLE"});
    if (role.elements.size() > 3 && role.elements[3].text == "connected") return;
    if (steady_clock::now() > until) throw std::runtime_error("the replica does not get in step");
    wait_a_little();
  }
}

redis::Reply RedisServer::ask(const std::vector<std::string>& parts, const std::string& password) const {
  const Descriptor server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  connect_to(server.fd(), socket());
  const std::string& login = password.empty() ? options_.password : password;
  if (!login.empty()) exchange(server.fd(), {"AUTH", login});
  return exchange(server.fd(), {parts.begin(), parts.end()});
}

void RedisServer::tell(const std::vector<std::string>& parts) const {
  const Descriptor server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  connect_to(server.fd(), socket());
  send_command(server.fd(), {parts.begin(), parts.end()});
}

}  // namespace tenon::test
