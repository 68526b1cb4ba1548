// One io_context's share of the server: its connections, and one clock that holds all their deadlines.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "http/request_id.hpp"

namespace tenon::http {

// What the clock knows of a connection. Only its own io_context's thread touches it.
class Connection : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  enum class Phase : std::uint8_t { opening, idle, head, body, handling, writing, lingering };

  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  virtual void cut() noexcept = 0;  // closes the socket: whatever waits for it fails

  [[nodiscard]] bool overdue(Monotonic now) const noexcept { return deadline_ <= now; }
  [[nodiscard]] bool is_waiting_for_a_request() const noexcept {
    return phase_ == Phase::opening || phase_ == Phase::idle;
  }
  // The I/O under way fails, and the connection sees why by expired().
  void expire() noexcept {
    expired_ = true;
    deadline_ = Monotonic::max();
    interrupt();
  }

 protected:
  ~Connection() = default;
  virtual void interrupt() noexcept = 0;

  // One deadline for the whole phase, however many reads and writes it takes.
  void enter(Phase phase, Monotonic deadline) noexcept {
    phase_ = phase;
    deadline_ = deadline;
    expired_ = false;
  }
  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  [[nodiscard]] bool expired() const noexcept { return expired_; }

 private:
  Phase phase_ = Phase::opening;
  bool expired_ = false;
  Monotonic deadline_ = Monotonic::max();
};

class Shard {
 public:
  // No timer per request: deadlines are met to within one tick.
  static constexpr std::chrono::milliseconds tick{100};

  explicit Shard(boost::asio::io_context& context);

  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }

  // The following, from the io_context's own thread only.
  void add(Connection& connection) { connections_.push_back(connection); }
  void walk(Monotonic now);
  void set_date(Instant now);
  [[nodiscard]] const std::string& date() const noexcept { return date_; }
  [[nodiscard]] RequestIds& ids() noexcept { return ids_; }
  [[nodiscard]] bool stopping() const noexcept { return stopping_; }
  void begin_stop();  // ends what waits for a request; the rest ends with its answer
  void cut_all();
  void end_clock();

  // Once the io_context has stopped: lets go of what belongs to it.
  void forget_clock() { clock_.reset(); }

  [[nodiscard]] static boost::asio::awaitable<void> run_clock(std::shared_ptr<Shard> shard);

 private:
  boost::asio::io_context& context_;
  std::optional<boost::asio::steady_timer> clock_;
  boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>> connections_;
  std::chrono::sys_seconds date_second_{};
  std::string date_;
  RequestIds ids_;
  bool stopping_ = false;
  bool clock_ended_ = false;
};

}  // namespace tenon::http
