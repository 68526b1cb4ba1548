// A write that is held up in the middle of its transaction, so that a test can kill what runs it.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <string>

#include "postgres/session.hpp"
#include "support/node.hpp"

namespace tenon::test {

// Sends `call` and waits until `operation`, which runs it, waits for a lock on `table`: all that it writes before that
// is written, nothing is committed.
class HeldUp {
 public:
  HeldUp(const Node& node, const ApiCall& call, const std::string& table, const std::string& operation)
      : waiting_(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'tenon_edge' AND wait_event_type = 'Lock' "
            "AND query LIKE '%" +
            operation + "%'"),
        holder_(std::make_unique<postgres::Session>(node.superuser())),
        client_(node.port(), std::chrono::seconds(30)) {
    holder_->script("BEGIN; LOCK TABLE " + table + " IN EXCLUSIVE MODE");
    client_.send(bytes_of(call));
    held_ = await_row(node.superuser(), waiting_);
    if (held_) waiter_ = std::stoi(node.ask(waiting_));
  }
  [[nodiscard]] const std::string& waiting() const { return waiting_; }  // a query for the process that waits
  [[nodiscard]] bool held() const { return held_; }
  // Before all processes are killed: what waits does nothing any more, also where who holds it up is gone before it.
  void freeze() const { ASSERT_EQ(kill(waiter_, SIGSTOP), 0); }
  void let_go() { holder_->script("ROLLBACK"); }
  [[nodiscard]] RawClient& client() { return client_; }

 private:
  std::string waiting_;
  std::unique_ptr<postgres::Session> holder_;
  RawClient client_;
  bool held_ = false;
  pid_t waiter_ = 0;
};

// Commands that the lanes hold, as /metrics says; waits for the number.
inline bool comes_to_hold(const Node& node, int commands) {
  const std::string line = "\ntenon_lane_queue " + std::to_string(commands) + "\n";
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < until) {
    if (node.call({.path = "/metrics"}).body.find(line) != std::string::npos) return true;
  }
  return false;
}

}  // namespace tenon::test
