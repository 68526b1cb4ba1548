// Peers on the loopback interface that are not what their clients hope for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tenon::test {

// Accepts (the kernel does it for it) and never says a word.
class MutePeer {
 public:
  MutePeer();
  ~MutePeer();
  MutePeer(const MutePeer&) = delete;
  MutePeer& operator=(const MutePeer&) = delete;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 protected:
  explicit MutePeer(int backlog);

 private:
  std::uint16_t port_ = 0;  // told by what makes the next
  int listener_ = -1;
};

// Does not even accept: its backlog is full, so that a connection attempt is never answered.
class FullPeer : public MutePeer {
 public:
  FullPeer();
  ~FullPeer();

 private:
  std::vector<int> waiting_;
};

// Stands before a server: passes everything on, until it is told not to.
class TcpProxy {
 public:
  enum class Mode : std::uint8_t {
    forward,
    hold,     // connections are accepted and stay open; nothing is passed on either way, as if packets were dropped
    refuse,   // connections are closed, new ones too
    garbage,  // whatever a client says is answered with bytes that are no protocol
  };
  explicit TcpProxy(std::uint16_t server);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  // In force when it returns. What was held back is dropped with its connection: streams have no holes.
  void set(Mode mode);
  void point_to(std::uint16_t server);            // for connections to come
  void delay(std::chrono::milliseconds answers);  // each piece from the server waits so long, while the mode is forward

 private:
  struct Pair {
    int client = -1;
    int server = -1;
    bool spoilt = false;  // something of it was held back
  };
  void run();
  void accept();
  void pass(Pair& pair, bool from_client);
  static void close_both(Pair& pair);

  std::uint16_t port_ = 0;  // told by what makes the next
  int listener_ = -1;
  int wake_ = -1;
  std::mutex mutex_;  // guards what follows
  std::condition_variable seen_;
  Mode mode_ = Mode::forward;
  std::uint16_t server_;
  std::chrono::milliseconds delay_{0};
  bool changed_ = false;
  bool stopping_ = false;
  std::list<Pair> pairs_;
  std::thread thread_;  // the last member: it uses all the others
};

}  // namespace tenon::test
