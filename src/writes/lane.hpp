// A write lane: one connection, one batch under way, one transaction a batch (smart batching).
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "postgres/connection.hpp"
#include "writes/command.hpp"

namespace tenon::writes {

struct LaneSettings {
  std::string conninfo;
  std::size_t batch_commands_max = limits::batch_commands_max;
  std::size_t queue_max = limits::lane_queue_max;
};

// Told of what lanes do; called on the lanes' threads, must not block.
class LaneObserver {
 public:
  virtual ~LaneObserver() = default;
  virtual void on_batch(const Operation& operation, std::size_t commands, std::chrono::steady_clock::duration took) = 0;
  virtual void on_retry(std::string_view reason, std::size_t commands) = 0;
};

// Commands of an operation go together whether they are signed or not; one signed among them takes the whole batch
// through the operation's signed statement.
//
// While nothing is under way, a command goes to the database at once; while a batch is under way the queue grows, and
// then up to batch_commands_max commands of one operation go together. What can go wrong, and what becomes of it:
//   connection lost      the commands may have run: sent again under their keys, which tells (until their deadline)
//   a key collided       another node stored it first: that command runs alone and finds the stored answer
//   deadlock, lock wait  sent again; the second time each command alone
//   any other error      each command runs alone; the one that fails alone is answered 500 internal_error
//   read-only            a demoted primary: sent again on a new connection (until their deadline)
//   no space, shutdown   all are answered 500 database_unavailable: the transaction rolled back
class Lane {
 public:
  // Runs on `context`, which one thread runs. All arguments outlive the lane.
  Lane(boost::asio::io_context& context, LaneSettings settings, Logger& log, LaneObserver& observer);

  void start();

  // From any thread. False, and nothing happened: the queue is full or the lane has been stopped.
  [[nodiscard]] bool submit(std::shared_ptr<Command> command);

  void
  stop();  // from any thread: answers what is queued with `stopping`, closes the connection after the current batch

  [[nodiscard]] std::size_t queued() const noexcept { return queued_.load(std::memory_order_relaxed); }
  // Since when it works without having got a batch done: what was sent in vain, for want of a lock or a connection, is
  // no end of it. The end of time: it does not.
  [[nodiscard]] Monotonic busy_since() const noexcept { return busy_since_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool connected() const noexcept { return connected_.load(std::memory_order_relaxed); }

 private:
  using Batch = std::vector<std::shared_ptr<Command>>;

  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> watch();
  boost::asio::awaitable<bool> ensure_connected();
  boost::asio::awaitable<void> run_batch(Batch batch);
  [[nodiscard]] Batch take_batch();
  void collect_incoming();
  void finish_each(const Batch& batch, std::vector<Reply> replies);
  void refuse_statement(Batch batch, const postgres::StatementError& error);
  void requeue(Batch batch);
  void expire(Monotonic now);
  [[nodiscard]] bool something_new(bool ready);
  void finish(const std::shared_ptr<Command>& command, Result<Reply> outcome);  // answers it, and it leaves the lane
  void answer(const std::shared_ptr<Command>& command, Result<Reply> outcome);
  void deliver();

  boost::asio::io_context& context_;
  LaneSettings settings_;
  Logger& log_;
  LaneObserver& observer_;

  std::mutex mutex_;  // guards incoming_ and wake_posted_
  std::vector<std::shared_ptr<Command>> incoming_;
  bool wake_posted_ = false;
  std::atomic<std::size_t> queued_ = 0;  // commands the lane holds: arrived, queued and under way
  std::atomic<Monotonic> busy_since_ = Monotonic::max();
  std::atomic<bool> connected_ = false;
  std::atomic<bool> stopping_ = false;

  // Only touched on the context's thread.
  std::deque<std::shared_ptr<Command>> queue_;
  Batch under_way_;
  std::vector<std::shared_ptr<Command>> finished_;  // answered, `done` not called yet
  std::unique_ptr<postgres::Connection> connection_;
  std::vector<const std::string*> prepared_;  // statements of operations
  std::vector<postgres::ArrayParameter> columns_;
  postgres::Parameters parameters_;
  boost::asio::steady_timer wake_;
  boost::asio::steady_timer tick_;
  Monotonic next_connect_{};
  int connect_failures_ = 0;
};

}  // namespace tenon::writes
