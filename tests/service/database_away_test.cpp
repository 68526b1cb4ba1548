// The database refuses, freezes or dies: an answer within the deadline, nothing half done, and back without help.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "postgres/cluster_files.hpp"
#include "service/inventory.hpp"
#include "service/lost_standby.hpp"

namespace tenon::test {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

// request_deadline, the tick in which it may be noticed, and a busy machine.
constexpr seconds deadline_and_a_bit{14};

void expect_unavailable(const RawResponse& answer) {
  EXPECT_EQ(answer.status, 500) << answer.body;
  EXPECT_EQ(code_of(answer), "database_unavailable");
  EXPECT_GE(std::stoi(answer.header("Retry-After").value_or("0")), 1);
  EXPECT_FALSE(answer.header("Idempotency-Status").has_value());
}

// Kills the server; returns when all its processes are gone, which may take them a moment to notice.
void kill_server(pid_t postmaster) {
  const auto data = std::filesystem::read_symlink("/proc/" + std::to_string(postmaster) + "/cwd");
  const std::vector<pid_t> processes = postgres::processes_in(data);
  ASSERT_EQ(kill(postmaster, SIGKILL), 0);
  const auto until = steady_clock::now() + seconds(10);
  for (const pid_t process : processes) {
    while (kill(process, 0) == 0) ASSERT_LT(steady_clock::now(), until);
  }
}

// Asks nothing of the database: what /readyz says by itself.
bool tells_that_it_is_not_ready(const Node& node) {
  const auto until = steady_clock::now() + seconds(10);
  while (steady_clock::now() < until) {
    if (node.call({.path = "/readyz"}).status == 503) return true;
  }
  return false;
}

TEST(EmbeddedDatabase, ThatIsKilledIsStartedAgainByItsNode) {
  const Node node;
  const std::string item = make_item(node, 10);
  const pid_t before = node.database_processes().front();
  ASSERT_NO_FATAL_FAILURE(kill_server(before));
  const auto began = steady_clock::now();
  const RawResponse sold = node.call(sell(node, item, 1, "over-the-death"), deadline_and_a_bit);
  EXPECT_LT(steady_clock::now() - began, deadline_and_a_bit);
  if (sold.status != 200) expect_unavailable(sold);
  ASSERT_TRUE(node.becomes_ready());
  EXPECT_NE(node.database_processes().front(), before);
  EXPECT_EQ(node.call(sell(node, item, 1, "over-the-death")).status, 200);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 9, .sold = 1, .entries = 1}));
  EXPECT_NE(node.log().find("embedded_database_died"), std::string::npos);
}

// Its processes are frozen first, so that the new server cannot start for a long time: the node must go on answering.
TEST(EmbeddedDatabase, ThatTakesLongToComeBackDoesNotSilenceItsNode) {
  const Node node;
  const std::string item = make_item(node, 10);
  const std::vector<pid_t> processes = node.database_processes();
  for (const pid_t process : processes) kill(process, SIGSTOP);
  ASSERT_EQ(kill(processes.front(), SIGKILL), 0);
  const std::vector<ApiCall> calls(4, sell(node, item, 1, "while-it-is-away"));  // on all threads
  const auto began = steady_clock::now();
  const auto answers = send_all(node.port(), calls, deadline_and_a_bit);
  EXPECT_LT(steady_clock::now() - began, deadline_and_a_bit);
  int unavailable = 0;
  for (const RawResponse& answer : answers) {
    EXPECT_TRUE(code_of(answer) == "database_unavailable" || code_of(answer) == "request_in_progress") << answer.body;
    unavailable += answer.status == 500 ? 1 : 0;
  }
  EXPECT_GE(unavailable, 1);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(node.call({.path = "/healthz"}, seconds(8)).status, 200);
  EXPECT_EQ(node.call({.path = "/readyz"}, seconds(2)).status, 503);
  for (const pid_t process : processes) kill(process, SIGCONT);
  ASSERT_TRUE(node.becomes_ready());
  EXPECT_EQ(node.call(sell(node, item, 1, "while-it-is-away")).status, 200);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 9, .sold = 1, .entries = 1}));
}

// Everything of the database stands still, with connections open: nothing fails, nothing answers.
TEST(Database, ThatIsFrozenIsWaitedForUntilTheDeadlineAndFoundOutAboutAfterwards) {
  const Node node;
  const std::string item = make_item(node, 10);
  const std::vector<pid_t> processes = node.database_processes();
  for (const pid_t process : processes) kill(process, SIGSTOP);
  const std::vector<ApiCall> calls{sell(node, item, 1, "frozen-sale"),
                                   order(node, R"([{"item_id":")" + item + R"(","quantity":2}])", "frozen-order"),
                                   get(node, "/api/inventory/" + item), get(node, "/api/audit-logs")};
  const auto began = steady_clock::now();
  const auto answers = send_all(node.port(), calls, deadline_and_a_bit);
  EXPECT_LT(steady_clock::now() - began, deadline_and_a_bit);
  for (const RawResponse& answer : answers) expect_unavailable(answer);
  EXPECT_EQ(node.call({.path = "/healthz"}, seconds(2)).status, 200);
  for (const pid_t process : processes) kill(process, SIGCONT);
  ASSERT_TRUE(node.becomes_ready());
  // The statements may have run after all when the processes woke up, or not: the keys tell.
  EXPECT_EQ(node.call(calls[0]).status, 200);
  EXPECT_EQ(node.call(calls[1]).status, 201);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 7, .sold = 3, .entries = 2}));
}

// What the node has been told is at hand: a client that lost an answer gets it while the database is away.
TEST(Database, ThatIsFrozenIsNotNeededToRepeatAnAnswer) {
  const Node node;
  const std::string item = make_item(node, 10);
  const RawResponse first = node.call(sell(node, item, 1, "told-before"));
  ASSERT_EQ(first.status, 200) << first.body;
  const std::vector<pid_t> processes = node.database_processes();
  for (const pid_t process : processes) kill(process, SIGSTOP);
  const RawResponse again = node.call(sell(node, item, 1, "told-before"));
  const RawResponse another = node.call(sell(node, item, 2, "told-before"));
  for (const pid_t process : processes) kill(process, SIGCONT);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.header("Idempotency-Status"), "replayed");
  EXPECT_EQ(another.status, 409);
  EXPECT_EQ(code_of(another), "idempotency_key_reused");
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 9, .sold = 1, .entries = 1}));
}

// Somebody else's database dies under the node, and comes back after the deadline.
TEST(ExternalDatabase, ThatIsAwayIsMissedForAsLongAsItIsAndNoLonger) {
  TestCluster database(Durability::durable);
  const Node node({.arguments = {"--migrate-url", database.superuser()}, .database_url = database.edge()});
  const std::string item = make_item(node, 10);
  ASSERT_TRUE(node.becomes_ready());
  ASSERT_NO_FATAL_FAILURE(kill_server(database.cluster().pid()));
  EXPECT_TRUE(tells_that_it_is_not_ready(node));
  const ApiCall sale = sell(node, item, 1, "away");
  const auto began = steady_clock::now();
  const auto answers = send_all(node.port(), {sale, get(node, "/api/inventory")}, deadline_and_a_bit);
  EXPECT_LT(steady_clock::now() - began, deadline_and_a_bit);
  for (const RawResponse& answer : answers) expect_unavailable(answer);
  const RawResponse readiness = node.call({.path = "/readyz"});
  EXPECT_EQ(readiness.status, 503);
  EXPECT_EQ(at(readiness.body, "database"), "disconnected");
  EXPECT_EQ(node.call({.path = "/healthz"}).status, 200);

  database.cluster().restart();
  EXPECT_EQ(stock_of(database.superuser(), item), (Stock{.available = 10}));
  ASSERT_TRUE(node.becomes_ready());
  EXPECT_EQ(node.call(sale).header("Idempotency-Status"), "stored");
  EXPECT_EQ(stock_of(database.superuser(), item), (Stock{.available = 9, .sold = 1, .entries = 1}));
}

TEST(ExternalDatabase, ThatEndsAllSessionsIsConnectedToAgainUnseen) {
  const Node node;
  const std::string item = make_item(node, 10);
  node.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenon_edge'");
  EXPECT_EQ(node.call(sell(node, item, 1)).status, 200);
  EXPECT_EQ(node.call(get(node, "/api/inventory/" + item)).status, 200);
  EXPECT_EQ(stock_of(node, item).sold, 1);
}

// PostgreSQL calls that a success, with a warning; a fail-over would take back what a client was told.
TEST(ExternalDatabase, WhoseCommitIsKeptFromWaitingForTheStandbyIsAskedAgainBeforeItsClientIsTold) {
  const Node node;
  const std::string item = make_item(node, 10);
  LostStandby standby(node.superuser());
  auto told = std::async(std::launch::async, [&, sale = sell(node, item, 1)] { return node.call(sale); });
  EXPECT_TRUE(standby.awaits_node());
  const std::string first = LostStandby::cancel_wait(node.edge());
  ASSERT_NE(first, "");
  EXPECT_TRUE(standby.awaits_node(first)) << "nobody asked again";
  EXPECT_EQ(told.wait_for(seconds(0)), std::future_status::timeout) << "told before the standby had it";
  standby.give_up();
  const RawResponse answer = told.get();
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Idempotency-Status"), "stored");
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 9, .sold = 1, .entries = 1}));
}

// As a demoted primary does: the sessions that are there may only read from now on, a new one may write.
TEST(ExternalDatabase, ThatTurnsReadOnlyUnderASessionIsConnectedToAgainUnseen) {
  const Node node;
  const std::string item = make_item(node, 100);
  (void)query(node.superuser(), "ALTER ROLE tenon_edge SET default_transaction_read_only = off");
  (void)query(node.superuser(), "ALTER SYSTEM SET default_transaction_read_only = on");
  (void)query(node.superuser(), "SELECT pg_reload_conf()");
  int sold = 0;
  bool seen = false;
  for (; sold < 50 && !seen; ++sold) {  // a session reads its settings again when it gets to it
    const RawResponse answer = node.call(sell(node, item, 1));
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.header("Idempotency-Status"), "stored");
    seen = node.call({.path = "/metrics"}).body.find("reason=\"read_only\"") != std::string::npos;
  }
  EXPECT_TRUE(seen) << "no session turned read-only";
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 100 - sold, .sold = sold, .entries = sold}));
}

}  // namespace
}  // namespace tenon::test
