// A web server behind TLS, or only nearly, that a test scripts: whom the programs under test talk to as clients.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/temporary_folder.hpp"

namespace tenon::test {

// An authority of our own, and a certificate for localhost that it signed, in files. Made by openssl: only from the
// main thread (ChildProgram).
class Certificates {
 public:
  Certificates();
  [[nodiscard]] std::string authority() const { return path("authority.pem"); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }

 private:
  void make(const std::vector<std::string>& more) const;
  TemporaryFolder folder_;
};

// Listens on 127.0.0.1. Its methods may be called from any thread.
class TlsServer {
 public:
  // How it meets its next connections.
  enum class Manner : std::uint8_t {
    polite,         // TLS, and an answer to each request
    plain,          // HTTP without TLS
    ends_at_hello,  // hears the first bytes of the handshake, and ends the connection
    ends_at_once,   // after the handshake and the request's first bytes
    mute,           // never says a word
  };
  struct Seen {
    std::string method, target, body;
  };

  explicit TlsServer(const Certificates& certificates);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  [[nodiscard]] std::string url(const std::string& host = "localhost") const {
    return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port());
  }
  void set(Manner manner) { manner_ = manner; }
  // The first so many connections are met so, later ones politely.
  void set(Manner manner, int connections) {
    left_ = connections;
    manner_ = manner;
  }
  void answer(unsigned status) { status_ = status; }  // to requests from now on
  // Those that it answered with 2xx, in order; and how many with anything else.
  [[nodiscard]] std::vector<Seen> accepted() const;
  [[nodiscard]] int refused() const { return refused_; }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> meet(boost::asio::ip::tcp::socket socket, Manner manner);
  template <class Stream>
  boost::asio::awaitable<void> serve(Stream& stream);
  void note(Seen seen, unsigned status);
  [[nodiscard]] Manner next_manner();

  std::atomic<Manner> manner_ = Manner::polite;
  std::atomic<int> left_ = -1;  // connections that are still met so; negative: all
  std::atomic<unsigned> status_ = 200;
  std::atomic<int> refused_ = 0, connections_ = 0;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<Seen> accepted_;
  boost::asio::io_context context_{1};
  boost::asio::ssl::context tls_{boost::asio::ssl::context::tls_server};
  boost::asio::ip::tcp::acceptor acceptor_{context_, {boost::asio::ip::make_address("127.0.0.1"), 0}};
  std::jthread thread_;
};

}  // namespace tenon::test
