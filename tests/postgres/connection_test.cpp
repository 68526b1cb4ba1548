// What a statement's caller is told, whatever happens to the server, the session or the time.
#include <gtest/gtest.h>
#include <signal.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "postgres/awaiting.hpp"
#include "support/cluster.hpp"

namespace tenon::postgres {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using test::await_row;
using test::open;
using test::query;
using test::run;
using test::shared_cluster;
using test::soon;

class ConnectionTest : public testing::Test {
 protected:
  Rows execute(const std::string& sql, const Parameters& parameters = {}) {
    return run(io_, connection_->execute(sql, parameters, soon()));
  }
  std::string sqlstate_of(const std::string& sql) {
    try {
      execute(sql);
    } catch (const StatementError& error) {
      return error.sqlstate();
    }
    return "";
  }

  asio::io_context io_{1};
  std::unique_ptr<Connection> connection_ = open(io_, shared_cluster().superuser());
};

TEST_F(ConnectionTest, APreparedStatementRunsAsOftenAsOneLikes) {
  run(io_, connection_->prepare("double", "SELECT $1 * 2", {static_cast<Oid>(Type::int8)}, soon()));
  for (std::int64_t i = 0; i < 100; ++i) {
    Parameters parameters;
    parameters.add(i);
    const Rows rows = run(io_, connection_->execute_prepared("double", parameters, soon()));
    ASSERT_EQ(rows.size(), 1);
    ASSERT_EQ(read_int(*rows.get(0, 0)), 2 * i);
  }
}

TEST_F(ConnectionTest, AScriptAnswersWithTheRowsOfItsLastStatement) {
  const Rows rows = run(io_, connection_->script("SELECT 1; CREATE TEMP TABLE t (a int); SELECT 'x', NULL", soon()));
  EXPECT_EQ(rows.text(0, 0), "x");
  EXPECT_EQ(rows.get(0, 1), std::nullopt);
  EXPECT_EQ(rows.text(0, 1), "");
}

TEST_F(ConnectionTest, ParametersLargerThanTheSocketsBuffersArrive) {
  const std::string large(32 * 1024 * 1024, 'x');
  Parameters parameters;
  parameters.add(large);
  const Rows rows = execute("SELECT length($1), $1", parameters);
  EXPECT_EQ(read_int(*rows.get(0, 0)), static_cast<std::int64_t>(large.size()));
  EXPECT_EQ(*rows.get(0, 1), large);
}

TEST_F(ConnectionTest, ARefusedStatementIsTheServersWordAndLeavesTheConnectionUsable) {
  try {
    execute("DO $$ BEGIN RAISE EXCEPTION 'no such luck' USING ERRCODE = 'T0001', DETAIL = 'none at all'; END $$");
    FAIL();
  } catch (const StatementError& error) {
    EXPECT_EQ(error.sqlstate(), "T0001");
    EXPECT_STREQ(error.what(), "no such luck");
    EXPECT_EQ(error.detail(), "none at all");
  }
  EXPECT_TRUE(connection_->usable());
  EXPECT_EQ(sqlstate_of("SELECT 1 / 0"), "22012");
  EXPECT_EQ(sqlstate_of("SELECT nonsense"), "42703");
  EXPECT_EQ(sqlstate_of("SET statement_timeout = '1ms'"), "");
  EXPECT_EQ(sqlstate_of("SELECT pg_sleep(10)"), "57014");
  EXPECT_EQ(sqlstate_of("RESET statement_timeout"), "");
  EXPECT_EQ(execute("SELECT 'still here'").text(0, 0), "still here");
}

TEST_F(ConnectionTest, TheFirstErrorOfAScriptEndsIt) {
  EXPECT_THROW(run(io_, connection_->script("SELECT 1; SELECT 1 / 0; SELECT 2", soon())), StatementError);
  EXPECT_EQ(execute("SELECT 'still here'").text(0, 0), "still here");
}

TEST_F(ConnectionTest, WhatLibpqRefusesToSendLeavesTheConnectionUsable) {
  Parameters parameters;
  for (int i = 0; i < 65'536; ++i) parameters.add(true);
  EXPECT_THROW(execute("SELECT 1", parameters), StatementError);
  EXPECT_EQ(execute("SELECT 'still here'").text(0, 0), "still here");
}

TEST_F(ConnectionTest, NoticesOfTheServerDisturbNothing) {
  testing::internal::CaptureStderr();
  execute("DO $$ BEGIN FOR i IN 1..1000 LOOP RAISE NOTICE 'notice % %', i, repeat('x', 1000); END LOOP; END $$");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

asio::awaitable<void> count_ticks(int& ticks, const bool& done) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (!done) {
    timer.expires_after(10ms);
    co_await timer.async_wait(asio::use_awaitable);
    ++ticks;
  }
}

asio::awaitable<std::string> sleep_too_long(Connection& connection, bool& done) {
  std::string told;
  try {
    co_await connection.execute("SELECT pg_sleep(60)", {}, soon(200ms));
  } catch (const ConnectionError& error) {
    told = error.what();
  }
  done = true;
  co_return told;
}

TEST_F(ConnectionTest, ADeadlineThatPassesClosesTheConnectionAndBlocksNobody) {
  int ticks = 0;
  bool done = false;
  asio::co_spawn(io_, count_ticks(ticks, done), asio::detached);
  const Monotonic began = monotonic_now();
  EXPECT_NE(run(io_, sleep_too_long(*connection_, done)), "");
  EXPECT_LT(monotonic_now() - began, 10s);
  EXPECT_GE(ticks, 2) << "others on the executor went on meanwhile";
  EXPECT_FALSE(connection_->usable());
  EXPECT_THROW(execute("SELECT 1"), ConnectionError);
}

TEST_F(ConnectionTest, ADeadlineThatHasPassedAlreadyIsNotWaitedFor) {
  EXPECT_THROW(run(io_, connection_->execute("SELECT pg_sleep(60)", {}, monotonic_now() - 1s)), ConnectionError);
}

// As after a process has stood still for a while: its callers have been told, and may have sent it again.
TEST_F(ConnectionTest, WhatIsToBeSentAfterItsDeadlineIsNotSent) {
  const std::string superuser = shared_cluster().superuser();
  query(superuser, "CREATE TABLE late (n int)");
  const std::string insert = "INSERT INTO late VALUES (1)";
  const std::string name = "insert";
  const Parameters none;
  const auto expect_unsent = [&](auto&& send) {
    const auto connection = open(io_, superuser);
    run(io_, connection->prepare(name, insert, {}, soon()));
    EXPECT_THROW(run(io_, send(*connection, monotonic_now() - 1s)), ConnectionError);
    EXPECT_FALSE(connection->usable());
    EXPECT_TRUE(await_row(
        superuser, "SELECT WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'INSERT INTO late%')"))
        << "its session has not ended";
  };
  expect_unsent([&](Connection& to, Monotonic deadline) { return to.execute(insert, none, deadline); });
  expect_unsent([&](Connection& to, Monotonic deadline) { return to.execute_prepared(name, none, deadline); });
  expect_unsent([&](Connection& to, Monotonic deadline) { return to.script(insert, deadline); });
  EXPECT_EQ(test::query_value(superuser, "SELECT count(*) FROM late"), "0");
}

TEST_F(ConnectionTest, ADeadlineOfOneStatementDoesNotReachIntoTheNext) {
  for (int i = 0; i < 200; ++i) {
    EXPECT_NO_THROW(run(io_, connection_->execute("SELECT 1", {}, soon(5s))));
  }
  EXPECT_NO_THROW(run(io_, connection_->execute("SELECT pg_sleep(0.2)", {}, soon())));
}

asio::awaitable<std::string> failure_of(Connection& connection, std::string sql) {
  try {
    co_await connection.execute(sql, {}, soon());
  } catch (const ConnectionError&) {
    co_return "connection";
  } catch (const StatementError&) {
    co_return "statement";
  }
  co_return "none";
}

TEST_F(ConnectionTest, ATerminatedSessionIsAConnectionErrorForItsStatementIsOfUnknownOutcome) {
  const std::string victim = std::to_string(connection_->backend_pid());
  std::thread killer([&] {
    // Not before the statement runs there.
    const std::string running = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = " + victim +
                                " AND state = 'active' AND query LIKE '%pg_sleep%'";
    EXPECT_TRUE(await_row(shared_cluster().superuser(), running));
  });
  EXPECT_EQ(run(io_, failure_of(*connection_, "SELECT pg_sleep(60)")), "connection");
  killer.join();
  EXPECT_FALSE(connection_->usable());
}

TEST_F(ConnectionTest, ASessionTerminatedWhileIdleIsAConnectionErrorAtTheNextStatement) {
  query(shared_cluster().superuser(), "SELECT pg_terminate_backend($1::int, 10000)",
        {std::to_string(connection_->backend_pid())});
  EXPECT_EQ(run(io_, failure_of(*connection_, "SELECT 1")), "connection");
  EXPECT_FALSE(connection_->usable());
}

TEST_F(ConnectionTest, CopyIsRefusedRatherThanWaitedFor) {
  EXPECT_EQ(run(io_, failure_of(*connection_, "COPY (SELECT 1) TO STDOUT")), "connection");
}

asio::awaitable<void> sleep_until_cancelled(Connection& connection) {
  co_await connection.execute("SELECT pg_sleep(60)", {}, soon());
}

TEST_F(ConnectionTest, ACancelledCallerLeavesNoHalfReadAnswerBehind) {
  asio::cancellation_signal stop;
  bool ended = false;
  asio::co_spawn(io_, sleep_until_cancelled(*connection_),
                 asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) { ended = true; }));
  asio::steady_timer timer(io_, 50ms);
  timer.async_wait([&](boost::system::error_code) { stop.emit(asio::cancellation_type::terminal); });
  io_.restart();
  io_.run();
  EXPECT_TRUE(ended);
  EXPECT_FALSE(connection_->usable());
}

asio::awaitable<void> sleep_a_little(Connection& connection, int& done) {
  co_await connection.execute("SELECT pg_sleep(1)", {}, soon());
  ++done;
}

TEST_F(ConnectionTest, ManyConnectionsWorkBesideEachOtherOnOneExecutor) {
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < 10; ++i) connections.push_back(open(io_, shared_cluster().superuser()));
  int done = 0;
  const Monotonic began = monotonic_now();
  for (const auto& connection : connections) {
    asio::co_spawn(io_, sleep_a_little(*connection, done), asio::detached);
  }
  io_.restart();
  io_.run();
  EXPECT_EQ(done, 10);
  EXPECT_LT(monotonic_now() - began, 9s) << "one after the other takes 10 s";
}

TEST(ConnectionToAServerThatDies, IsAConnectionError) {
  test::TestCluster cluster;
  asio::io_context io{1};
  const auto connection = open(io, cluster.superuser());
  std::thread killer([&, backend = connection->backend_pid()] {
    EXPECT_TRUE(await_row(cluster.superuser(),
                          "SELECT FROM pg_stat_activity WHERE state = 'active' "
                          "AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"));
    kill(cluster.cluster().pid(), SIGKILL);
    kill(backend, SIGKILL);  // what a machine's death does to all of them
  });
  EXPECT_EQ(run(io, failure_of(*connection, "SELECT pg_sleep(60)")), "connection");
  killer.join();
  EXPECT_FALSE(connection->usable());
  EXPECT_THROW(open(io, cluster.superuser()), ConnectionError);
}

// A listener that accepts and never says a word.
class SilentServer {
 public:
  SilentServer() : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {}
  [[nodiscard]] std::string port() const { return std::to_string(acceptor_.local_endpoint().port()); }

 private:
  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_;
};

TEST(OpeningAConnection, GivesUpOnASilentServerAtTheDeadline) {
  const SilentServer silent;
  asio::io_context io{1};
  const Monotonic began = monotonic_now();
  EXPECT_THROW(run(io, Connection::open(io.get_executor(), "host=127.0.0.1 port=" + silent.port(), soon(300ms))),
               ConnectionError);
  EXPECT_LT(monotonic_now() - began, 10s);
}

TEST(OpeningAConnection, GoesOnToTheNextHostWhenOneIsSilent) {
  const SilentServer silent;
  asio::io_context io{1};
  const std::string conninfo = shared_cluster().superuser();
  const std::string folder = conninfo.substr(6, conninfo.find('\'', 6) - 6);
  const auto connection =
      run(io, Connection::open(io.get_executor(),
                               "host=127.0.0.1," + folder + " port=" + silent.port() +
                                   ",5432 user=postgres dbname=tenon target_session_attrs=read-write",
                               soon(3s)));
  EXPECT_TRUE(connection->usable());
}

TEST(OpeningAConnection, SaysOfEachHostWhyItFailed) {
  asio::io_context io{1};
  try {
    run(io, Connection::open(io.get_executor(), "postgres://u@127.0.0.1:1,no-such-host.invalid:2/d", soon()));
    FAIL();
  } catch (const ConnectionError& error) {
    EXPECT_NE(std::string(error.what()).find("port 1 failed: Connection refused"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("cannot resolve no-such-host.invalid"), std::string::npos) << error.what();
  }
}

TEST(OpeningAConnection, RefusesAServerThatOnlyReadsWhereWritesAreAskedFor) {
  asio::io_context io{1};
  const std::string database = shared_cluster().make_database("readonly");
  query(database, "ALTER DATABASE readonly SET default_transaction_read_only = on");
  EXPECT_THROW(open(io, database + " target_session_attrs=read-write"), ConnectionError);
  EXPECT_TRUE(open(io, database + " target_session_attrs=any")->usable());
}

TEST(OpeningAConnection, SpeaksUtf8WhateverTheConninfoSays) {
  asio::io_context io{1};
  const auto connection = open(io, shared_cluster().superuser() + " client_encoding=LATIN1");
  Parameters parameters;
  parameters.add("ü");
  EXPECT_EQ(run(io, connection->execute("SELECT length($1)::text", parameters, soon())).text(0, 0), "1");
}

TEST(OpeningAConnection, RefusesAConninfoThatIsNone) {
  asio::io_context io{1};
  EXPECT_THROW(open(io, "host=a nonsense=b"), ConnectionError);
}

}  // namespace
}  // namespace tenon::postgres
