// The database refuses, freezes or dies: an answer within the deadline, nothing half done, and back without help.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "postgres/cluster_files.hpp"
#include "service/inventory.hpp"

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

TEST(AuditLog, ThatCannotBeWrittenKeepsEveryWriteFromHappening) {
  const Node node;
  const std::string item = make_item(node, 10);
  const std::string key_count = "SELECT count(*) FROM idempotency_keys";
  const ApiCall writes[] = {sell(node, item, 1),
                            change(node, item, R"({"increment":1})"),
                            change(node, item, R"({"name":"Other"})"),
                            order(node, R"([{"item_id":")" + item + R"(","quantity":1}])"),
                            {.method = "POST",
                             .path = "/api/inventory",
                             .token = node.token("clerk", "admin"),
                             .key = fresh_key(),
                             .body = R"({"name":"Unaudited","price":1})"},
                            {.method = "DELETE",
                             .path = "/api/inventory/" + item,
                             .token = node.token("clerk", "admin"),
                             .key = fresh_key()}};
  node.ask("ALTER TABLE audit_logs ADD CONSTRAINT full_disk CHECK (actor <> 'clerk') NOT VALID");
  const std::string before = traces(node.superuser());
  for (const ApiCall& write : writes) {
    const RawResponse answer = node.call(write);
    EXPECT_EQ(answer.status, 500) << answer.body;
    EXPECT_EQ(code_of(answer), "internal_error");
    EXPECT_TRUE(answer.header("Retry-After").has_value());
    EXPECT_EQ(answer.body.find("full_disk"), std::string::npos) << "what is inside stays inside";
  }
  EXPECT_EQ(traces(node.superuser()), before);
  node.ask("ALTER TABLE audit_logs DROP CONSTRAINT full_disk");
  for (const ApiCall& write : writes) {
    const RawResponse answer = node.call(write);
    EXPECT_LT(answer.status, 300) << write.body << answer.body;
    EXPECT_EQ(answer.header("Idempotency-Status"), "stored");
  }
}

// One command of a batch cannot be audited; those beside it are none the worse.
TEST(AuditLog, ThatRefusesOneCommandDoesNotHurtItsNeighbours) {
  const Node node;
  const std::string item = make_item(node, 100);
  node.ask("ALTER TABLE audit_logs ADD CONSTRAINT refuses CHECK (actor <> 'mallory')");
  std::vector<ApiCall> calls;
  for (int i = 0; i < 40; ++i) {
    calls.push_back(sell(node, item, 1));
    if (i % 10 == 0) calls.back().token = node.token("mallory", "staff");
  }
  const auto answers = send_all(node.port(), calls);
  for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i].status, i % 10 == 0 ? 500 : 200);
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 64, .sold = 36, .entries = 36}));
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
  for (int i = 0; i < 4; ++i) EXPECT_EQ(node.call({.path = "/healthz"}, seconds(2)).status, 200);
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

TEST(Nodes, TwentyStartingAtOnceOnOneEmptyDatabaseAllComeUp) {
  TestCluster database(Durability::durable);
  const std::string superuser = database.make_database("empty");
  std::vector<std::unique_ptr<Node>> nodes;
  for (int i = 0; i < 20; ++i) {
    nodes.push_back(std::make_unique<Node>(
        NodeSettings{.arguments = {"--migrate-url", superuser, "--threads", "1", "--write-lanes", "1"},
                     .database_url = database.edge("empty"),
                     .awaited = false}));
  }
  for (const auto& node : nodes) EXPECT_NO_THROW(node->await_listening());
  for (const auto& node : nodes) {
    if (node->port() != 0) {
      EXPECT_EQ(node->call(get(*node, "/api/inventory")).status, 200);
    }
  }
  EXPECT_EQ(query_value(superuser, "SELECT count(*) = max(number) FROM tenon.migrations"), "t");
}

}  // namespace
}  // namespace tenon::test
