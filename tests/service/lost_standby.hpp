// A synchronous standby that is not there: every COMMIT waits for it.
#pragma once

#include <atomic>
#include <future>
#include <stdexcept>
#include <string>

#include "postgres/session.hpp"
#include "support/cluster.hpp"

namespace tenon::test {

class LostStandby {
 public:
  // From now on. Throws std::runtime_error when no COMMIT waits.
  explicit LostStandby(std::string superuser) : superuser_(std::move(superuser)) {
    set("'nobody'");
    // It is the checkpointer that makes COMMITs wait, when it gets to it.
    first_ = std::async(std::launch::async, [this] {
      postgres::Session session(superuser_);
      session.script("SET application_name = 'first to wait'");
      while (!given_up_) session.script("SELECT pg_logical_emit_message(true, 'tenon', '')");
    });
    if (!await_row(superuser_, waiting() + " AND application_name = 'first to wait'")) {
      give_up();
      throw std::runtime_error("no COMMIT waits for the standby");
    }
  }
  ~LostStandby() { give_up(); }
  LostStandby(const LostStandby&) = delete;
  LostStandby& operator=(const LostStandby&) = delete;

  // The sessions of the nodes that wait, but those whose process is named.
  [[nodiscard]] bool awaits_node(const std::string& other_than = "0") const {
    return await_row(superuser_, waiting() + " AND usename = 'tenon_edge' AND pid <> " + other_than);
  }
  // By the nodes' own login, which may do that to its own sessions; the process that waited.
  [[nodiscard]] static std::string cancel_wait(const std::string& edge) {
    return query_value(edge, "WITH own AS MATERIALIZED (" + waiting() +
                                 " AND usename = 'tenon_edge') SELECT pid FROM own WHERE pg_cancel_backend(pid)");
  }
  void give_up() {
    if (given_up_.exchange(true)) return;
    set("''");
    first_.wait();
  }

 private:
  [[nodiscard]] static std::string waiting() { return "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"; }
  void set(const std::string& names) {
    postgres::Session session(superuser_);
    session.script("ALTER SYSTEM SET synchronous_standby_names = " + names);
    session.script("SELECT pg_reload_conf()");
  }

  std::string superuser_;
  std::atomic<bool> given_up_ = false;
  std::future<void> first_;
};

}  // namespace tenon::test
