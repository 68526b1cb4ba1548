// A cutting TCP proxy on one link of the cluster: it can be slow, thin, deaf in either direction, and cut at a byte or
// at a step of a commit. All of it counts, so that a fault can be shown to have struck.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.hpp"
#include "chaos/messages.hpp"

namespace tenon::chaos {

enum class Way : std::uint8_t { up, down };  // up: from who connected, towards the server

// Steps of the commit of one write, as they pass on the way to PostgreSQL.
enum class Moment : std::uint8_t {
  before_statement,  // the server gets nothing of it
  in_statement,      // the server gets half of it
  statement_sent,    // the server has all of it, and nobody listens any more
  after_commit,      // committed and answered; nothing of the answer arrives
  in_answer,         // half of the answer arrives
  after_answer,      // all of it arrives, and then the connection is gone
};
[[nodiscard]] std::string_view name_of(Moment moment) noexcept;

enum class Protocol : std::uint8_t { bytes, postgres };

struct LinkCounts {
  std::uint64_t connections = 0;
  std::uint64_t passed_bytes = 0;
  std::uint64_t cuts = 0;        // connections ended by us
  std::uint64_t held_bytes = 0;  // that came while their direction was held
  std::uint64_t late_bytes = 0;  // that were delayed by latency or bandwidth
};

// Listens on a free port of 127.0.0.1 and serves on a thread of its own. All calls are thread-safe.
class Link {
 public:
  explicit Link(Protocol protocol);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  void aim(std::uint16_t server);  // where further connections go, on 127.0.0.1; 0: nowhere, they are reset

  void slow(std::chrono::milliseconds latency, std::size_t bytes_per_second = 0);  // for what comes from now on; 0: any
  void hold(bool up, bool down);  // nothing is passed on in these directions; connections stay
  void release();                 // what was held goes on, late
  void reset();                   // ends all connections, by RST
  // The next write on this link (Protocol::postgres) loses its connection at that moment. Replaces what was armed.
  void cut_at(Moment moment);
  void cut_after(Way way, std::size_t bytes);  // the next connection that passes so many more, in that direction
  void disarm();
  [[nodiscard]] LinkCounts counts() const;

 private:
  struct Piece {
    Monotonic due;
    std::string bytes;
  };
  struct Direction {
    std::deque<Piece> queue;
    std::size_t queued = 0;
    Monotonic last_due{};
    bool ended = false;  // the sender has said its last
    std::optional<MessageReader> reader;
  };
  struct Pair {
    int client = -1;
    int server = -1;
    bool doomed = false;  // to be reset
    bool deaf = false;    // the client side is gone; the server is left to finish
    std::array<Direction, 2> ways;
    WriteSpotter spotter;
    std::optional<Moment> writing;  // the armed moment, once its write began on this connection
    bool answer_over = false;
    std::string answer;
  };

  void run();
  [[nodiscard]] int timeout(Monotonic now) const;
  void accept();
  void read(Pair& pair, Way way);
  void take(Pair& pair, Way way, std::string_view bytes);
  void take_message(Pair& pair, Way way, const Message& message);
  void pass(Pair& pair, Way way, std::string_view bytes);
  void pump(Pair& pair, Way way, Monotonic now);
  void strike(Pair& pair);
  static void close_pair(Pair& pair, bool abruptly);

  const Protocol protocol_;
  int listener_ = -1;
  int wake_ = -1;
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;  // guards what follows
  std::uint16_t target_ = 0;
  std::chrono::milliseconds latency_{0};
  std::size_t bytes_per_second_ = 0;
  std::array<bool, 2> held_{};
  std::optional<Moment> armed_;
  std::optional<std::pair<Way, std::size_t>> cut_after_;
  LinkCounts counts_;
  bool stopping_ = false;
  std::list<Pair> pairs_;
  std::thread thread_;  // the last member: it uses all the others
};

}  // namespace tenon::chaos
