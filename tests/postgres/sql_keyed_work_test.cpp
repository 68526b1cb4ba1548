// Work that is no single operation: what holds between begin_keyed and keep_reply, in a transaction that a node holds
// open.
#include <gmock/gmock.h>

#include <future>

#include "postgres/sql_database.hpp"
#include "support/cluster.hpp"

namespace tenon::test {
namespace {

class SqlKeyedWork : public SqlTest {
 protected:
  // "origin|status|body"; "||" when there is no answer yet, and the work may run.
  static std::string begin(Session& session, int key, const std::string& fingerprint = "aa") {
    session.script("BEGIN");
    return lines(session, "SELECT origins[1], statuses[1], bodies[1] FROM tenon.begin_keyed('" + envelope(key).claim +
                              "', decode(repeat('" + fingerprint + "', 32), 'hex'))");
  }
  static std::string keep(Session& session, int key, const std::string& status = "201",
                          const std::string& lifetime = "60") {
    return refusal_of([&] {
      session.execute("SELECT tenon.keep_reply('" + envelope(key).claim +
                      "', 'orders', 'clerk', 'key', decode(repeat('aa', 32), 'hex'), " + lifetime + ", " + status +
                      ", NULL, '{\"done\":true}', 3, now(), '/there')");
    });
  }
};

constexpr const char* nothing_yet = "||\n";
constexpr const char* stored = "1|201|{\"done\":true}\n";

TEST_F(SqlKeyedWork, IsAnsweredFromThenOnWithWhatWasKept) {
  EXPECT_EQ(begin(edge_, 1), nothing_yet);
  EXPECT_EQ(keep(edge_, 1), "accepted");
  edge_.script("COMMIT");
  EXPECT_EQ(begin(edge_, 1), stored);
  edge_.script("COMMIT");
  EXPECT_EQ(begin(edge_, 1, "bb"), "2||\n");
  edge_.script("COMMIT");
  EXPECT_EQ(begin(edge_, 2), nothing_yet);
}

TEST_F(SqlKeyedWork, ThatIsRolledBackLeavesTheKeyFree) {
  (void)begin(edge_, 1);
  EXPECT_EQ(keep(edge_, 1), "accepted");
  edge_.script("ROLLBACK");
  EXPECT_EQ(begin(edge_, 1), nothing_yet);
}

// What is found may be missing on the synchronous standby: its session was ended while it waited, say. A fail-over
// would lose it, so whoever is told of it waits as long as the first one had to.
TEST_F(SqlKeyedWork, ThatIsFoundIsToldOnceTheSynchronousStandbyHasIt) {
  (void)begin(edge_, 1);
  EXPECT_EQ(keep(edge_, 1), "accepted");
  edge_.script("COMMIT");
  Session superuser(superuser_conninfo_);
  superuser.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  superuser.execute("SELECT pg_reload_conf()");
  const auto break_off = [&] {
    superuser.execute("ALTER SYSTEM RESET synchronous_standby_names");
    superuser.execute("SELECT pg_reload_conf()");
  };
  while (lines(edge_, "SHOW synchronous_standby_names") != "nobody\n") continue;
  // It is the checkpointer that makes COMMITs wait, and it may read the setting later than this session.
  bool waited = false;
  const Monotonic until = monotonic_now() + std::chrono::seconds(20);
  while (!waited && monotonic_now() < until) {
    EXPECT_EQ(begin(edge_, 1), stored);
    auto committing = std::async(std::launch::async, [&] { edge_.script("COMMIT"); });
    while (!waited && committing.wait_for(std::chrono::milliseconds(10)) == std::future_status::timeout) {
      waited = lines(superuser, "SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'") != "";
    }
    if (waited) break_off();
    committing.get();
  }
  break_off();
  EXPECT_TRUE(waited);
  EXPECT_EQ(begin(edge_, 2), nothing_yet);
  edge_.script("COMMIT");
}

TEST_F(SqlKeyedWork, TwiceAtOnceIsKeptOnce) {
  Session second = connect_edge();
  EXPECT_EQ(begin(edge_, 1), nothing_yet);
  EXPECT_EQ(begin(second, 1), nothing_yet);
  EXPECT_EQ(keep(edge_, 1), "accepted");
  auto waiting = std::async(std::launch::async, [&] { return keep(second, 1); });
  ASSERT_TRUE(await_row(superuser_conninfo_,
                        "SELECT FROM pg_stat_activity WHERE datname = 'sql' AND wait_event_type = 'Lock'"));
  edge_.script("COMMIT");
  EXPECT_EQ(waiting.get(), "TN001");
  second.script("ROLLBACK");
  EXPECT_EQ(begin(second, 1), stored);
}

TEST_F(SqlKeyedWork, KeepsNoAnswerThatMayNotBeStored) {
  for (const char* status : {"100", "400", "401", "403", "422", "500", "503", "NULL"}) {
    (void)begin(edge_, 1);
    EXPECT_EQ(keep(edge_, 1, status), "23514") << status;
    edge_.script("ROLLBACK");
  }
}

TEST_F(SqlKeyedWork, IsForgottenWhenItsKeyHasExpired) {
  (void)begin(edge_, 1);
  (void)keep(edge_, 1, "201", "3600");
  edge_.script("COMMIT");
  EXPECT_EQ(value(superuser_, "SELECT count(*) FROM idempotency_keys WHERE expires_at <= now() + interval '60 s'"), "1")
      << "no key outlives the longest lifetime";
  age("61 seconds");
  EXPECT_EQ(begin(edge_, 1), nothing_yet);
  EXPECT_EQ(keep(edge_, 1), "accepted");
}

TEST_F(SqlKeyedWork, UnderWayHoldsATurnOfThePartitionsOff) {
  (void)begin(edge_, 1);
  age("1 hour");
  Session other = connect_edge();
  EXPECT_EQ(value(other, "SELECT tenon.turn_key_generation()"), "");
  EXPECT_EQ(keep(edge_, 1), "accepted");
  edge_.script("COMMIT");
  EXPECT_EQ(value(other, "SELECT tenon.turn_key_generation()"), "turned");
  EXPECT_EQ(begin(edge_, 1), stored);
}

}  // namespace
}  // namespace tenon::test
