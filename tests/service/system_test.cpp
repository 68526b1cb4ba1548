// What an operator sees of a node: health, metrics, log lines, problem pages, start, stop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "base/problem.hpp"
#include "encoding/json.hpp"
#include "postgres/session.hpp"
#include "service/bad_input.hpp"

namespace tenon::test {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Health, IsAnsweredWithoutCredentials) {
  const Node& node = shared_node();
  const RawResponse alive = node.call({.path = "/healthz"});
  EXPECT_EQ(alive.status, 200);
  EXPECT_EQ(at(alive.body, "status"), "alive");
  ASSERT_TRUE(node.becomes_ready());
  const RawResponse ready = node.call({.path = "/readyz"});
  EXPECT_EQ(ready.status, 200);
  EXPECT_EQ(at(ready.body, "status"), "ready");
  EXPECT_EQ(at(ready.body, "database"), "connected");
  EXPECT_EQ(at(ready.body, "limiter"), "working");
  EXPECT_EQ(at(ready.body, "schema_version"), node.ask("SELECT max(number) FROM tenon.migrations WHERE set = 'tenon'"));
  EXPECT_EQ(ready.header("Cache-Control"), "no-store");
}

TEST(Metrics, CountRequestsReplaysRefusalsAndBatches) {
  const Node node;
  const std::string item = make_item(node, 2);
  const ApiCall sale = sell(node, item, 1);
  node.call(sale);
  node.call(sale);
  node.call(sell(node, item, 5));
  node.call(change(node, item, "{"));
  node.call({.path = "/no/such/path"});
  node.call({.path = "/api/inventory"});
  // One that only the read's reply tells, and one of a handler's own.
  node.call({.path = "/api/inventory/01890000-0000-7000-8000-000000000000", .token = node.token("reader", "staff")});
  node.call({.path = "/problems/no-such-problem"});
  const RawResponse page = node.call({.path = "/metrics"});
  EXPECT_THAT(page.header("Content-Type").value_or(""), StartsWith("text/plain; version=0.0.4"));
  for (const char* line : {
           "tenon_up 1",
           R"(tenon_requests_total{route="PATCH /api/inventory/{id}",status="200"} 2)",
           R"(tenon_requests_total{route="PATCH /api/inventory/{id}",status="409"} 1)",
           R"(tenon_requests_total{route="PATCH /api/inventory/{id}",status="400"} 1)",
           R"(tenon_requests_total{route="POST /api/inventory",status="201"} 1)",
           R"(tenon_requests_total{route="GET /api/inventory",status="401"} 1)",
           R"(tenon_requests_total{route="none",status="404"} 1)",
           R"(tenon_request_seconds_count{route="PATCH /api/inventory/{id}"} 4)",
           R"(tenon_request_seconds_bucket{route="PATCH /api/inventory/{id}",le="+Inf"} 4)",
           R"(tenon_refusals_total{code="insufficient_stock"} 1)",
           R"(tenon_refusals_total{code="malformed_json"} 1)",
           R"(tenon_refusals_total{code="unknown_path"} 1)",
           R"(tenon_refusals_total{code="not_found"} 2)",
           R"(tenon_refusals_total{code="unauthenticated"} 1)",
           "tenon_replays_total 1",
           R"(tenon_batch_commands_sum{operation="decrement_stock_atomic"} 2)",
           R"(tenon_batch_seconds_count{operation="create_item"} 1)",
           "tenon_lane_queue 0",
           "tenon_connections 1",
       }) {
    EXPECT_THAT(page.body, HasSubstr(std::string(line) + "\n")) << page.body;
  }
}

TEST(ANode, ThatCannotListenAsToldChangesNothing) {
  const Node& node = shared_node();
  node.ask("CREATE DATABASE untouched");
  const auto untouched = [](const std::string& conninfo) {
    return conninfo.substr(0, conninfo.rfind('=') + 1) + "untouched";
  };
  const TemporaryFolder folder;
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"--listen", "127.0.0.1"}, std::vector<std::string>{"--tls-cert", "/dev/null"},
        std::vector<std::string>{"--tls-key", "/dev/null"}}) {
    std::vector<std::string> checked{"config", "check"};
    checked.insert(checked.end(), wrong.begin(), wrong.end());
    const Ended refused = run_tenon(checked);
    EXPECT_EQ(refused.exit_code, 1) << wrong.back();
    EXPECT_THAT(refused.errors, HasSubstr(wrong.front() == "--listen" ? "cannot listen" : "go together"));
    std::vector<std::string> served{"serve",
                                    "--data-dir",
                                    folder.path(),
                                    "--database-url",
                                    untouched(node.edge()),
                                    "--migrate-url",
                                    untouched(node.superuser()),
                                    "--log-level",
                                    "off"};
    served.insert(served.end(), wrong.begin(), wrong.end());
    EXPECT_EQ(run_tenon(served).exit_code, 1);
    EXPECT_EQ(query_value(untouched(node.superuser()), "SELECT to_regnamespace('tenon')"), "");
  }
}

TEST(Metrics, CountWhatNeverBecomesARequest) {
  const Node node;
  const auto status_of = [&](const std::string& bytes) { return exchange(node.port(), bytes).status; };
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n"), 413);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  const RawResponse page = node.call({.path = "/metrics"});
  for (const char* line : {
           R"(tenon_requests_total{route="none",status="431"} 1)",
           R"(tenon_requests_total{route="none",status="413"} 1)",
           R"(tenon_requests_total{route="none",status="400"} 1)",
           R"(tenon_refusals_total{code="header_too_large"} 1)",
           R"(tenon_refusals_total{code="body_too_large"} 1)",
           R"(tenon_refusals_total{code="malformed_request"} 1)",
       }) {
    EXPECT_THAT(page.body, HasSubstr(std::string(line) + "\n"));
  }
}

TEST(Metrics, NeverTakeANameFromAClient) {
  const Node& node = shared_node();
  node.call({.path = "/chosen-by-a-client-7"});
  node.call(
      {.method = "DELETE", .path = "/api/inventory/chosen-by-a-client-7", .token = node.token("chosen-7", "admin")});
  EXPECT_THAT(node.call({.path = "/metrics"}).body, testing::Not(HasSubstr("chosen")));
}

TEST(ProblemPages, StandWhereEveryTypePoints) {
  const Node& node = shared_node();
  for (std::size_t i = 0; i < problem_code_count; ++i) {
    const auto code = static_cast<ProblemCode>(i);
    const RawResponse page = node.call({.path = type_of(code)});
    EXPECT_EQ(page.status, 200) << type_of(code);
    EXPECT_THAT(page.header("Content-Type").value_or(""), StartsWith("text/html"));
    EXPECT_THAT(page.body, HasSubstr(std::string(kind_of(code).code)));
  }
}

TEST(RequestId, IsTheCallersWhenItIsWellFormedAndElseOurs) {
  const Node& node = shared_node();
  const auto echoed = [&](const std::string& sent) {
    return node.call({.path = "/healthz", .headers = {{"X-Request-Id", sent}}}).header("X-Request-Id").value_or("");
  };
  EXPECT_EQ(echoed("order-7.abc_DEF"), "order-7.abc_DEF");
  for (const char* bad : {"", "two words", "<script>", "\"quoted\"", "a;b"}) {
    EXPECT_NE(echoed(bad), bad);
    EXPECT_GE(echoed(bad).size(), 16U);
  }
  EXPECT_NE(echoed(std::string(5000, 'a')), std::string(5000, 'a'));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(Log, HasOneJsonObjectALineWhateverClientsPutIntoIt) {
  Node node;
  const std::string item = make_item(node, 100);
  ApiCall named = sell(node, item, 1);
  named.headers = {{"X-Request-Id", "the-one-to-find"}};
  node.call(named);
  const std::string forged = R"({"level":"error","event":"forged"})";
  for (const std::string& path : {std::string("/%0a%7B%22event%22:%22forged%22%7D"), std::string("/a%0d%0ab%1b%5b31m"),
                                  std::string("/%e2%80%a8forged%c2%85"), std::string("/\"},{\"event\":\"forged\"}"),
                                  std::string("/\\\"\\n"), "/" + std::string(3000, 'x')}) {
    node.call({.path = path, .headers = {{"User-Agent", forged}, {"X-Request-Id", forged}}});
  }
  ApiCall strange_key = sell(node, item, 1, R"("\"},{\"event\":\"forged\"}")");
  node.call(strange_key);
  ApiCall strange_user = sell(node, item, 1);
  strange_user.token = node.token("\"},{\"event\":\"forged\xf0\x9f\xaa\x91", "staff");
  node.call(strange_user);
  RawClient bytes(node.port());
  bytes.send("GET /\x1b[31m\x07 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(bytes.read().status, 400);
  ASSERT_EQ(node.stop(), 0);

  int requests = 0;
  bool found = false;
  std::set<std::string> ids;
  for (const std::string& line : lines_of(node.log())) {
    const auto parsed = json::parse(line);
    ASSERT_TRUE(parsed.has_value() && parsed->object() != nullptr) << line;
    for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
    EXPECT_EQ(line.find("\xe2\x80\xa8"), std::string::npos) << line;
    EXPECT_NE(at(line, "at"), "(nothing)");
    EXPECT_NE(at(line, "event"), "forged");
    if (at(line, "event") != "request") continue;
    ++requests;
    ids.insert(at(line, "request_id"));
    if (at(line, "request_id") != "the-one-to-find") continue;
    found = true;
    EXPECT_EQ(at(line, "method"), "PATCH");
    EXPECT_EQ(at(line, "route"), "/api/inventory/{id}");
    EXPECT_EQ(at(line, "status"), "200");
    EXPECT_EQ(at(line, "user"), "clerk");
    EXPECT_EQ(at(line, "address"), "127.0.0.1");
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(requests, 10);
  EXPECT_EQ(ids.size(), 10U) << "each request has an id of its own";
}

TEST(Log, HoldsNoSecret) {
  Node node;
  const std::string token = node.token("clerk", "admin");
  node.call({.path = "/api/inventory", .token = token});
  node.call({.path = "/api/inventory", .token = token + "x"});
  ASSERT_EQ(node.stop(), 0);
  std::string secret = content_of(node.data_dir() / "secret");
  secret.resize(32);
  EXPECT_EQ(node.log().find(token), std::string::npos);
  EXPECT_EQ(node.log().find(secret), std::string::npos);
}

// Three requests are in flight, each waiting for a row that we hold, when the node is told to stop.
TEST(Stop, FinishesWhatIsInFlightRefusesWhatIsNewAndExitsWithZero) {
  Node node;
  const std::string item = make_item(node, 10);
  postgres::Session blocker(node.superuser());
  blocker.script("BEGIN");
  blocker.execute("SELECT FROM inventory WHERE id = $1 FOR UPDATE", {item});
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(node.port(), seconds(15));
    clients.back().send(bytes_of(sell(node, item, 1)));
  }
  ASSERT_TRUE(await_row(node.superuser(), "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"));
  RawClient idle(node.port());
  node.program().signal(SIGTERM);
  EXPECT_TRUE(idle.closed());
  EXPECT_THROW(RawClient{node.port()}, RawClientError) << "nobody listens any more";
  blocker.script("COMMIT");
  for (RawClient& client : clients) {
    const RawResponse answer = client.read();
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.header("Connection"), "close");
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(node.program().await_end(seconds(30)), 0) << node.program().errors();
  EXPECT_TRUE(node.database_processes().empty());

  const Node again({.data_dir = node.data_dir()});
  EXPECT_EQ(stock_of(again, item), (Stock{.available = 7, .sold = 3, .entries = 3}));
}

TEST(Stop, IsQuickWhenThereIsNothingToDoAlsoBySigint) {
  Node node;
  RawClient keep_alive(node.port());
  keep_alive.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(keep_alive.read().status, 200);
  node.program().signal(SIGINT);
  EXPECT_EQ(node.program().await_end(seconds(20)), 0);
}

TEST(Start, TellsWhatIsWrongAndDoesNotHappen) {
  const TemporaryFolder folder;
  const std::string database = shared_node().edge();
  const std::string data = folder.path() / "d";
  struct {
    const char* what;
    std::vector<std::string> arguments;
    std::vector<const char*> said;
  } const rows[] = {
      {"an unknown limit", {"--limit", "inventory-wrote=5/min"}, {"inventory-wrote", "inventory-write", "all=off"}},
      {"a limit that is no rate", {"--limit", "inventory-write=many"}, {"many", "20/min"}},
      {"a limit without value", {"--limit", "inventory-write"}, {"NAME=N/UNIT"}},
      {"a key's life too short", {"--key-lifetime", "5"}, {"30 seconds to 7 days"}},
      {"a key's life too long", {"--key-lifetime", "8d"}, {"30 seconds to 7 days"}},
      {"an unknown flag", {"--frobnicate"}, {"frobnicate"}},
      {"a proxy that is no network", {"--trusted-proxy", "10.0.0.0/33"}, {"10.0.0.0/33"}},
      {"a certificate that is not there",
       {"--tls-cert", folder.path() / "none.crt", "--tls-key", folder.path() / "none.key"},
       {"none.key"}},
      {"a secret that is not there", {"--secret-file", folder.path() / "none"}, {"none"}},
      {"a database that is not there",
       {"--database-url", "host=" + folder.path().string() + " user=tenon_edge dbname=tenon"},
       {folder.path().c_str()}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    std::vector<std::string> arguments{"serve", "--data-dir",         data, "--listen", "127.0.0.1:0",
                                       "--log", folder.path() / "log"};
    if (row.arguments.front() != "--database-url") arguments.insert(arguments.end(), {"--database-url", database});
    arguments.insert(arguments.end(), row.arguments.begin(), row.arguments.end());
    const Ended run = run_tenon(arguments);
    EXPECT_GT(run.exit_code, 0);
    EXPECT_EQ(run.output.find("listening"), std::string::npos);
    for (const char* word : row.said) EXPECT_THAT(run.errors, HasSubstr(word));
  }
}

// Of descriptors: both for us and for the programs that we start.
class SoftLimit {
 public:
  explicit SoftLimit(rlim_t descriptors) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit changed{.rlim_cur = std::min(descriptors, before_.rlim_max), .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &changed);
  }
  ~SoftLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  SoftLimit(const SoftLimit&) = delete;
  SoftLimit& operator=(const SoftLimit&) = delete;

 private:
  rlimit before_{};
};

TEST(Start, MakesRoomForMoreConnectionsThanTheShellsLimitOfDescriptors) {
  std::optional<Node> node;
  {
    const SoftLimit low(128);
    node.emplace();
  }
  for (const RawResponse& answer : send_all(node->port(), std::vector(600, ApiCall{.path = "/healthz"}))) {
    EXPECT_EQ(answer.status, 200);
  }
}

// By sched(7); of a thread, or of a process's first.
bool lets_others_finish(pid_t thread) { return sched_getscheduler(thread) == SCHED_BATCH; }

TEST(Start, LeavesTheCoreToWhoRunsWhenARequestComesAndTheDatabaseAsItWas) {
  const sched_param no_priority{};
  const int usual = sched_getscheduler(0);
  if (sched_setscheduler(0, SCHED_BATCH, &no_priority) != 0) GTEST_SKIP() << "this kernel does not let us";
  sched_setscheduler(0, usual, &no_priority);

  Node node({.arguments = {"--threads", "3"}});
  const auto letting = [&node] {
    const auto threads = std::filesystem::directory_iterator("/proc/" + std::to_string(node.program().pid()) + "/task");
    return std::count_if(begin(threads), end(threads), [](const std::filesystem::directory_entry& thread) {
      return lets_others_finish(std::stoi(thread.path().filename()));
    });
  };
  const auto until = std::chrono::steady_clock::now() + seconds(30);  // it listens before each thread has had its turn
  while (letting() != 3 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(letting(), 3);
  for (const pid_t process : node.database_processes()) EXPECT_FALSE(lets_others_finish(process));
}

TEST(Start, WithAFileOfSettingsNamesWhatIsNoneAndWhereItCannotBeRead) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "tenon.toml";
  struct {
    const char* text;
    bool fine;
    const char* said;
  } const rows[] = {
      {"listen = \"127.0.0.1:0\"\n[limit]\ninventory-write = \"5/min\"\n", true, ""},
      {"listn = \"127.0.0.1:0\"\n", false, "\"listn\", which is no setting"},
      {"[limit]\ninventory-wrote = \"5/min\"\n", false, "inventory-wrote"},
      {"listen = \"127.0.0.1:0\"\nthreads =\n", false, "line 2"},
  };
  for (const auto& row : rows) {
    std::ofstream(file) << row.text;
    const Ended run = run_tenon({"config", "check", "--config", file});
    EXPECT_EQ(run.exit_code == 0, row.fine) << row.text << run.errors;
    EXPECT_THAT(run.errors, HasSubstr(row.said)) << row.text;
  }
}

TEST(Stop, ComesWithATerminalThatClosesUnlessNohupWasAsked) {
  struct sigaction before{};
  struct sigaction wanted{};
  wanted.sa_handler = SIG_DFL;
  ASSERT_EQ(sigaction(SIGHUP, &wanted, &before), 0);
  Node node;
  wanted.sa_handler = SIG_IGN;
  ASSERT_EQ(sigaction(SIGHUP, &wanted, nullptr), 0);
  Node kept;
  ASSERT_EQ(sigaction(SIGHUP, &before, nullptr), 0);

  node.program().signal(SIGHUP);
  EXPECT_EQ(node.program().await_end(seconds(30)), 0);
  EXPECT_THAT(node.log(), HasSubstr("\"event\":\"stopped\""));

  std::ifstream status("/proc/" + std::to_string(kept.program().pid()) + "/status");
  std::string line;
  while (std::getline(status, line) && !line.starts_with("SigIgn:")) {
  }
  ASSERT_TRUE(status.good());
  EXPECT_EQ(std::stoull(line.substr(line.find(':') + 1), nullptr, 16) & 1U, 1U) << line;
}

TEST(Start, OnAPortThatIsTakenSaysSo) {
  const Node& node = shared_node();
  const TemporaryFolder folder;
  const Ended run =
      run_tenon({"serve", "--data-dir", folder.path() / "d", "--listen", "127.0.0.1:" + std::to_string(node.port()),
                 "--database-url", node.edge(), "--log", folder.path() / "log"});
  EXPECT_GT(run.exit_code, 0);
  EXPECT_THAT(run.errors, HasSubstr(std::to_string(node.port())));
}

TEST(Start, OfASecondNodeOnTheSameDataDirectoryIsRefused) {
  const Node& node = shared_node();
  const TemporaryFolder folder;
  const Ended run =
      run_tenon({"serve", "--data-dir", node.data_dir(), "--listen", "127.0.0.1:0", "--log", folder.path() / "log"});
  EXPECT_GT(run.exit_code, 0);
  EXPECT_THAT(run.errors, HasSubstr("another node"));
  EXPECT_EQ(node.call({.path = "/readyz"}).status, 200);
}

TEST(Start, OnASchemaItDoesNotKnowIsRefused) {
  const Node node;
  const TemporaryFolder folder;
  node.ask("INSERT INTO tenon.migrations (set, number, name, checksum) VALUES ('tenon', 9999, 'from_the_future', 'x')");
  const Ended run = run_tenon({"serve", "--data-dir", folder.path() / "d", "--listen", "127.0.0.1:0", "--database-url",
                               node.edge(), "--log", folder.path() / "log"});
  EXPECT_GT(run.exit_code, 0);
  EXPECT_THAT(run.errors, HasSubstr("9999"));
}

TEST(Token, OfTheCommandLineIsPrintedAloneAndAccepted) {
  const Node& node = shared_node();
  const Ended run = run_tenon(
      {"token", "--data-dir", node.data_dir(), "--sub", "from-the-shell", "--role", "staff", "--expires", "1m"});
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  ASSERT_TRUE(run.output.ends_with('\n'));
  const std::string token = run.output.substr(0, run.output.size() - 1);
  EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
            std::string::npos);
  const std::string item = make_item(node, 1);
  ApiCall sale = sell(node, item, 1);
  sale.token = token;
  EXPECT_EQ(node.call(sale).status, 200);
  EXPECT_EQ(node.ask("SELECT actor || ' ' || role FROM audit_logs WHERE entity_id = $1 AND action = 'STOCK_DECREMENT'",
                     {item}),
            "from-the-shell staff");
  EXPECT_NE(run_tenon({"token", "--data-dir", node.data_dir(), "--sub", "x", "--role", "king"}).exit_code, 0);
  EXPECT_NE(run_tenon({"token", "--data-dir", node.data_dir(), "--sub", ""}).exit_code, 0);
}

TEST(Secret, IsReadableByItsOwnerAlone) {
  const Node& node = shared_node();
  const auto file = node.data_dir() / "secret";
  EXPECT_EQ(std::filesystem::status(file).permissions() & std::filesystem::perms::mask,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_GE(std::filesystem::file_size(file), 32U);
}

TEST(Demo, SeedsTwoHundredAuditedPiecesOnce) {
  Node node({.arguments = {"--demo"}});
  EXPECT_EQ(node.ask("SELECT count(*) FROM inventory"), "200");
  EXPECT_EQ(node.ask("SELECT count(*) FROM audit_logs WHERE action = 'CREATE_ITEM'"), "200");
  EXPECT_EQ(node.ask("SELECT count(*) FROM inventory WHERE quantity_available > 0"), "200");
  ASSERT_EQ(node.stop(), 0);
  const Node again({.arguments = {"--demo"}, .data_dir = node.data_dir()});
  EXPECT_EQ(again.ask("SELECT count(*) FROM inventory"), "200");
}

}  // namespace
}  // namespace tenon::test
