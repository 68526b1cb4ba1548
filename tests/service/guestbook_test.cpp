// examples/guestbook.cpp: a program of somebody else's gets everything that ours has.
#include <gtest/gtest.h>
#include <signal.h>

#include <set>

#include "service/inventory.hpp"
#include "service/lost_standby.hpp"
#include "service/signer.hpp"

namespace tenon::test {
namespace {

Node& guestbook() {
  static Node node({.binary = GUESTBOOK_BINARY});
  return node;
}

ApiCall post(const std::string& path, const std::string& user, const std::string& key, const std::string& body) {
  return {.method = "POST", .path = path, .token = guestbook().token(user, ""), .key = key, .body = body};
}

TEST(Guestbook, SignsOncePerKeyAndWritesOneAuditEntry) {
  const ApiCall call = post("/api/guestbook", "ann", fresh_key(), R"({"line":"hello"})");
  const RawResponse first = guestbook().call(call);
  EXPECT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(first.header("Idempotency-Status"), "stored");
  const RawResponse again = guestbook().call(call);
  EXPECT_EQ(again.header("Idempotency-Status"), "replayed");
  EXPECT_EQ(lasting_part(again), lasting_part(first));
  const std::string id = at(first.body, "id");
  EXPECT_EQ(guestbook().ask("SELECT count(*) FROM guestbook WHERE author = 'ann'"), "1");
  EXPECT_EQ(
      guestbook().ask("SELECT count(*) FROM audit_logs WHERE action = 'SIGN_GUESTBOOK' AND entity_id = '" + id + "'"),
      "1");
}

TEST(Guestbook, IsRefusedWhatItsHandlerAndPolicyRefuse) {
  struct Row {
    ApiCall call;
    int status;
    std::string code;
  };
  const Row rows[] = {
      {post("/api/guestbook", "bob", "", R"({"line":"x"})"), 400, "idempotency_key_missing"},
      {post("/api/guestbook", "bob", fresh_key(), R"({})"), 422, "validation_failed"},
      {post("/api/guestbook", "bob", fresh_key(), R"([])"), 422, "validation_failed"},
      {post("/api/visits", "bob", R"("broken)", R"({})"), 400, "idempotency_key_malformed"},
      {{.method = "POST", .path = "/api/guestbook", .key = fresh_key(), .body = R"({"line":"x"})"},
       401,
       "unauthenticated"},
  };
  for (const Row& row : rows) {
    const RawResponse answer = guestbook().call(row.call);
    EXPECT_EQ(answer.status, row.status) << answer.body;
    EXPECT_EQ(code_of(answer), row.code);
  }
}

// handle_idempotent: its coroutine counts in a table without a unique key on the request, so a second run would show.
TEST(HandleIdempotent, RunsOncePerKeyHoweverManySendIt) {
  const ApiCall call = post("/api/visits", "carol", fresh_key(), "{}");
  std::multiset<std::string> told;
  std::set<std::string> bodies;
  for (const RawResponse& answer : send_all(guestbook().port(), std::vector(20, call))) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    told.insert(answer.header("Idempotency-Status").value_or("none"));
    bodies.insert(answer.body);
  }
  EXPECT_EQ(told.count("stored"), 1U);
  EXPECT_EQ(told.count("replayed"), 19U);
  EXPECT_EQ(bodies, (std::set<std::string>{R"({"visits":1})"}));
  EXPECT_EQ(guestbook().ask("SELECT count FROM visits WHERE author = 'carol'"), "1");
}

TEST(HandleIdempotent, IsOfAScopeThatTheNodeKnows) {
  const std::string key = fresh_key();
  EXPECT_EQ(guestbook().call(post("/api/visits", "hugh", key, "{}")).status, 200);
  const RawResponse outcome =
      guestbook().call({.path = "/api/idempotency/guestbook:visit/" + key, .token = guestbook().token("hugh", "")});
  EXPECT_EQ(outcome.status, 200) << outcome.body;
  EXPECT_EQ(at(outcome.body, "answer.visits"), "1");

  Node patient({.arguments = {"--key-lifetime", "guestbook:visit=10m"}, .binary = GUESTBOOK_BINARY});
  const RawResponse visited = patient.call(
      {.method = "POST", .path = "/api/visits", .token = patient.token("hugh", ""), .key = key, .body = "{}"});
  EXPECT_EQ(visited.status, 200) << visited.body;
  EXPECT_EQ(patient.ask("SELECT expires_at > now() + interval '9 minutes' FROM idempotency_keys"), "t");
}

TEST(HandleIdempotent, RunsOncePerKeyOnTwoNodesAtOnce) {
  NodeSettings settings = beside(guestbook());
  settings.binary = GUESTBOOK_BINARY;
  const Node second(settings);
  for (int round = 1; round <= 10; ++round) {
    const ApiCall call = post("/api/visits", "dora", fresh_key(), "{}");
    const auto bytes = bytes_of(call);
    RawClient here(guestbook().port());
    RawClient there(second.port());
    here.send(bytes);
    there.send(bytes);
    const RawResponse a = here.read();
    const RawResponse b = there.read();
    EXPECT_EQ(a.status, 200) << a.body;
    EXPECT_EQ(a.body, b.body);
    EXPECT_EQ(guestbook().ask("SELECT count FROM visits WHERE author = 'dora'"), std::to_string(round));
  }
}

TEST(HandleIdempotent, KeepsNothingOfWorkThatThrows) {
  (void)query(guestbook().superuser(), "ALTER TABLE visits ADD CONSTRAINT nobody CHECK (author <> 'erin')");
  const ApiCall call = post("/api/visits", "erin", fresh_key(), "{}");
  EXPECT_EQ(guestbook().call(call).status, 500);
  (void)query(guestbook().superuser(), "ALTER TABLE visits DROP CONSTRAINT nobody");
  const RawResponse answer = guestbook().call(call);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Idempotency-Status"), "stored");
}

// The role may be given other settings while the node runs, by whoever has its password too.
TEST(HandleIdempotent, ExecutesNothingOverALoginThatWouldNotWaitForTheDisk) {
  Node node({.binary = GUESTBOOK_BINARY});
  const ApiCall call{
      .method = "POST", .path = "/api/visits", .token = node.token("gail", ""), .key = fresh_key(), .body = "{}"};
  (void)query(node.superuser(), "ALTER ROLE tenon_edge SET synchronous_commit = off");
  EXPECT_EQ(node.call(call).status, 500);
  EXPECT_EQ(node.ask("SELECT count(*) FROM visits"), "0");
  (void)query(node.superuser(), "ALTER ROLE tenon_edge SET synchronous_commit = on");
  const RawResponse answer = node.call(call);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Idempotency-Status"), "stored");
}

TEST(HandleIdempotent, TellsNothingOfACommitThatWasKeptFromWaitingForTheStandby) {
  Node node({.binary = GUESTBOOK_BINARY});
  const ApiCall call{
      .method = "POST", .path = "/api/visits", .token = node.token("hugo", ""), .key = fresh_key(), .body = "{}"};
  (void)query(node.edge(),
              "ALTER ROLE tenon_edge SET client_min_messages = error");  // the warning is not for it to drop
  LostStandby standby(node.superuser());
  auto told = std::async(std::launch::async, [&] { return node.call(call); });
  EXPECT_TRUE(standby.awaits_node());
  const std::string first = LostStandby::cancel_wait(node.edge());
  ASSERT_NE(first, "");
  EXPECT_TRUE(standby.awaits_node(first)) << "nobody asked again";
  EXPECT_EQ(told.wait_for(std::chrono::seconds(0)), std::future_status::timeout) << "told before the standby had it";
  standby.give_up();
  const RawResponse answer = told.get();
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Idempotency-Status"), "stored");
  EXPECT_EQ(node.ask("SELECT count FROM visits"), "1");
}

TEST(HandleIdempotent, TakesASignatureOnce) {
  const Signer signer(guestbook(), "kim");
  const ApiCall call = signer.sign({.method = "POST", .path = "/api/visits", .key = fresh_key(), .body = "{}"});
  const RawResponse first = guestbook().call(call);
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(code_of(guestbook().call(call)), "signature_replayed");
  EXPECT_EQ(guestbook().ask("SELECT count FROM visits WHERE author = 'kim'"), "1");
}

bool comes_to_log(const Node& node, const std::string& event) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < until) {
    if (node.log().find(event) != std::string::npos) return true;
  }
  return false;
}

TEST(HandleIdempotent, GoesOnAsSoonAsADatabaseThatWasAwayIsBack) {
  TestCluster database(Durability::durable);
  const Node node({.arguments = {"--migrate-url", database.superuser()},
                   .database_url = database.edge(),
                   .binary = GUESTBOOK_BINARY});
  const ApiCall call{
      .method = "POST", .path = "/api/visits", .token = node.token("ida", ""), .key = fresh_key(), .body = "{}"};
  kill(database.cluster().pid(), SIGINT);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (database.cluster().alive()) ASSERT_LT(std::chrono::steady_clock::now(), until);
  auto told = std::async(std::launch::async, [&] { return node.call(call); });
  EXPECT_TRUE(comes_to_log(node, "transaction_lost"));
  database.cluster().restart();
  const RawResponse answer = told.get();
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Idempotency-Status"), "stored");
  EXPECT_EQ(query_value(database.superuser(), "SELECT count FROM visits"), "1");
}

TEST(HandleIdempotent, GoesOnAsSoonAsThereIsAPrimaryThatWrites) {
  Node node({.binary = GUESTBOOK_BINARY});
  const ApiCall call{
      .method = "POST", .path = "/api/visits", .token = node.token("jack", ""), .key = fresh_key(), .body = "{}"};
  (void)query(node.superuser(), "ALTER ROLE tenon_edge SET default_transaction_read_only = on");
  auto told = std::async(std::launch::async, [&] { return node.call(call); });
  EXPECT_TRUE(comes_to_log(node, "25006"));
  (void)query(node.superuser(), "ALTER ROLE tenon_edge RESET default_transaction_read_only");
  const RawResponse answer = told.get();
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Idempotency-Status"), "stored");
  EXPECT_EQ(node.ask("SELECT count FROM visits"), "1");
}

TEST(HandleIdempotent, RefusesAnotherPayloadUnderTheSameKey) {
  const std::string key = fresh_key();
  EXPECT_EQ(guestbook().call(post("/api/visits", "finn", key, "{}")).status, 200);
  EXPECT_EQ(code_of(guestbook().call(post("/api/visits", "finn", key, R"({"more":1})"))), "idempotency_key_reused");
  EXPECT_EQ(guestbook().ask("SELECT count FROM visits WHERE author = 'finn'"), "1");
}

}  // namespace
}  // namespace tenon::test
