// Signed requests against whole nodes: an honest retry works, a captured request is worth nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <random>

#include "postgres/session.hpp"
#include "service/inventory.hpp"
#include "service/signer.hpp"
#include "support/database_proxy.hpp"

namespace tenon::test {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

// A node that takes sales signed only, and everything else as it comes.
Node& strict_node() {
  static Node node({.arguments = {"--require-signature", "inventory:update,orders:create"}});
  return node;
}

std::string status_of(const RawResponse& response) { return response.header("Idempotency-Status").value_or("(none)"); }

TEST(SignedSale, OfEachAlgorithmRunsOnceAndItsCopyIsRefusedAndAudited) {
  const Node& node = strict_node();
  for (const char* algorithm : {"hmac-sha256", "ed25519", "ecdsa-p256-sha256", "rsa-pss-sha512", "rsa-v1_5-sha256"}) {
    const Signer signer(node, "seller-" + std::string(algorithm), algorithm);
    const std::string item = make_item(node, 10);
    const ApiCall sale = signer.sign(sell(node, item, 2));
    const RawResponse first = node.call(sale);
    EXPECT_EQ(first.status, 200) << algorithm << first.body;
    const RawResponse copy = node.call(sale);
    EXPECT_EQ(copy.status, 401) << algorithm;
    EXPECT_EQ(at(copy.body, "type"), "/problems/signature-replayed") << algorithm;
    EXPECT_TRUE(copy.header("WWW-Authenticate"));
    EXPECT_EQ(status_of(copy), "(none)");
    EXPECT_THAT(copy.body, testing::Not(HasSubstr("quantity_available")));
    EXPECT_EQ(stock_of(node, item), (Stock{.available = 8, .sold = 2, .entries = 1})) << algorithm;
    EXPECT_EQ(node.ask("SELECT count(*) FROM audit_logs AS a JOIN signature_replays AS r ON r.id = a.entity_id"
                       " WHERE action = 'SIGNATURE_REPLAYED' AND actor = $1 AND r.key_id = $2",
                       {signer.user(), signer.key_id()}),
              "1");
  }
}

TEST(SignedSale, WithTheSameKeyAndAFreshSignatureIsAnHonestRetry) {
  const Node& node = strict_node();
  const Signer signer(node, "retrying");
  const std::string item = make_item(node, 10);
  const ApiCall sale = sell(node, item, 2);
  const RawResponse first = node.call(signer.sign(sale));
  const RawResponse again = node.call(signer.sign(sale));
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(status_of(again), "replayed");
  EXPECT_EQ(lasting_part(again), lasting_part(first));
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 8, .sold = 2, .entries = 1}));
}

TEST(SignedSale, WithTheSameKeyAndAnotherPayloadIsAReuseHoweverFreshItsSignature) {
  const Node& node = strict_node();
  const Signer signer(node, "reusing");
  const std::string item = make_item(node, 10);
  const ApiCall sale = sell(node, item, 2);
  ASSERT_EQ(node.call(signer.sign(sale)).status, 200);
  const RawResponse reused = node.call(signer.sign(sell(node, item, 3, sale.key)));
  EXPECT_EQ(reused.status, 409);
  EXPECT_EQ(code_of(reused), "idempotency_key_reused");
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 8, .sold = 2, .entries = 1}));
}

TEST(SignedSale, OutsideOfItsWindowIs401) {
  const Node& node = strict_node();
  const Signer signer(node, "late");
  const std::string item = make_item(node, 10);
  for (const seconds away : {-seconds(51), -seconds(3600), seconds(10)}) {
    const RawResponse refused = node.call(signer.sign(sell(node, item, 1), wall_now() + away));
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(code_of(refused), "signature_expired") << away.count();
  }
  EXPECT_EQ(node.call(signer.sign(sell(node, item, 1), wall_now() - seconds(40))).status, 200);
  EXPECT_EQ(stock_of(node, item).sold, 1);
}

TEST(SignedSale, IsRefusedForEachReasonUnderItsOwnType) {
  const Node& node = strict_node();
  const Signer signer(node, "refused");
  const Signer other(node, "other");
  const std::string item = make_item(node, 10);
  const ApiCall good = signer.sign(sell(node, item, 1));
  const auto with = [&](const std::string& name, const std::string& value) {
    ApiCall call = good;
    std::erase_if(call.headers, [&](const auto& line) { return line.first == name; });
    if (!value.empty()) call.headers.emplace_back(name, value);
    return call;
  };
  ApiCall another_body = good;
  another_body.body = R"({"decrement":9})";
  ApiCall another_user = good;
  another_user.token = other.sign(sell(node, item, 1)).token;
  ApiCall no_token = good;
  no_token.token.clear();
  ApiCall added = good;
  added.headers.emplace_back("If-Match", "*");
  ApiCall another_item = good;
  another_item.path = "/api/inventory/" + make_item(node, 10);
  struct {
    const char* what;
    ApiCall call;
    int status;
    const char* code;
  } const rows[] = {
      {"unsigned", sell(node, item, 1), 401, "signature_missing"},
      {"without bearer token", no_token, 401, "unauthenticated"},
      {"half of it", with("Signature", ""), 400, "signature_malformed"},
      {"nonsense", with("Signature-Input", "nonsense("), 400, "signature_malformed"},
      {"an uncovered token", added, 400, "signature_incomplete"},
      {"another body", another_body, 400, "content_digest_mismatch"},
      {"no digest", with("Content-Digest", ""), 400, "content_digest_mismatch"},
      {"another user's token", another_user, 401, "signature_invalid"},
      {"another item", another_item, 401, "signature_invalid"},
      {"another signature", with("Signature", "tenon=:AAAA:"), 401, "signature_invalid"},
  };
  for (const auto& row : rows) {
    const RawResponse refused = node.call(row.call);
    EXPECT_EQ(refused.status, row.status) << row.what;
    EXPECT_EQ(code_of(refused), row.code) << row.what;
  }
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 10}));
  EXPECT_EQ(node.call(good).status, 200) << "and none of them used its nonce up";
}

TEST(SignedSale, WithoutAKeyWhereNoneIsNeededRunsOnceToo) {
  const Node& node = strict_node();
  const Signer signer(node, "keyless");
  const std::string item = make_item(node, 1);
  const ApiCall remove =
      signer.sign({.method = "DELETE", .path = "/api/inventory/" + item, .token = node.token("keyless", "admin")});
  EXPECT_EQ(node.call(remove).status, 204);
  EXPECT_EQ(code_of(node.call(remove)), "signature_replayed");
}

TEST(SignedSale, OfARefusalThatIsNotKeptIsRememberedAllTheSame) {
  const Node& node = strict_node();
  const Signer signer(node, "unlucky");
  const std::string item = make_item(node, 1);
  const ApiCall sale = signer.sign(sell(node, item, 5));
  EXPECT_EQ(code_of(node.call(sale)), "insufficient_stock");
  ASSERT_EQ(node.call(signer.sign(change(node, item, R"({"increment":10})"))).status, 200);
  EXPECT_EQ(code_of(node.call(sale)), "signature_replayed");
  EXPECT_EQ(stock_of(node, item).sold, 0);
}

// While the first one runs its copy waits on this node, and is then refused: it must not share the first one's answer.
TEST(SignedSale, CopiedWhileItRunsIsRefusedAndARetrySignedAnewIsAnswered) {
  const Node& node = strict_node();
  const Signer signer(node, "hurried");
  const std::string item = make_item(node, 5);
  const ApiCall sale = sell(node, item, 2);
  const ApiCall first = signer.sign(sale);
  postgres::Session blocker(node.superuser());
  blocker.script("BEGIN");
  blocker.execute("SELECT FROM inventory WHERE id = $1 FOR UPDATE", {item});
  std::vector<std::future<RawResponse>> answers;
  const auto send = [&](const ApiCall& call) {
    answers.push_back(std::async(std::launch::async, [&node, call] { return node.call(call); }));
  };
  send(first);
  ASSERT_TRUE(await_row(node.superuser(), "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"));
  for (int i = 0; i < 3; ++i) send(first);
  send(signer.sign(sale));
  blocker.script("COMMIT");
  std::map<std::string, int> outcomes;
  for (auto& answer : answers) {
    const RawResponse response = answer.get();
    ++outcomes[response.status == 200 ? status_of(response) : code_of(response)];
  }
  EXPECT_EQ(outcomes, (std::map<std::string, int>{{"stored", 1}, {"replayed", 1}, {"signature_replayed", 3}}));
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 3, .sold = 2, .entries = 1}));
}

// A node on the strict one's database, over what can cut its connections.
NodeSettings beside_through(const DatabaseProxy& proxy) {
  NodeSettings settings = beside(strict_node());
  settings.database_url = Node::conninfo(proxy.socket_folder(), "tenon_edge");
  settings.arguments.insert(settings.arguments.end(), {"--require-signature", "inventory:update"});
  return settings;
}

// The node sends its batch again when the answer to the COMMIT is lost, and must not take its own nonce for a copy.
TEST(SignedSale, WhoseCommitWasNotHeardOfIsFoundByTheNodeAndStillRefusedToACopy) {
  const Node& node = strict_node();
  DatabaseProxy proxy(node.socket_folder());
  const Node cut(beside_through(proxy));
  const Signer signer(node, "unheard");
  const std::string item = make_item(node, 5);
  const ApiCall sale = signer.sign(sell(node, item, 2, "commit-not-heard-of"));
  proxy.arm("commit-not-heard-of", DatabaseProxy::Fault::hold_answer);
  auto answer = std::async(std::launch::async, [&] { return cut.call(sale); });
  ASSERT_TRUE(proxy.await_fault());
  ASSERT_EQ(stock_of(node, item).sold, 2) << "committed, not answered";
  proxy.cut();
  const RawResponse first = answer.get();
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(code_of(cut.call(sale)), "signature_replayed");
  EXPECT_EQ(code_of(node.call(sale)), "signature_replayed");
  EXPECT_EQ(stock_of(node, item), (Stock{.available = 3, .sold = 2, .entries = 1}));
}

// What the node sends again is judged once more: a key revoked meanwhile makes no 401 of a write that may have run.
TEST(SignedSale, WhoseKeyIsRevokedBeforeTheNodeSendsItAgainIsNeverToldThatItDidNotRun) {
  const Node& node = strict_node();
  DatabaseProxy proxy(node.socket_folder());
  const Node cut(beside_through(proxy));
  for (const bool arrived : {true, false}) {
    const Signer signer(node, arrived ? "revoked-after-commit" : "revoked-on-the-way");
    const std::string item = make_item(node, 5);
    const std::string key = arrived ? "revoked-after-commit" : "revoked-on-the-way";
    const ApiCall sale = signer.sign(sell(node, item, 2, key));
    proxy.arm(key, arrived ? DatabaseProxy::Fault::hold_answer : DatabaseProxy::Fault::hold_statement);
    auto answer = std::async(std::launch::async, [&] { return cut.call(sale); });
    ASSERT_TRUE(proxy.await_fault());
    const Ended revoked = run_tenon({"keys", "revoke", "--data-dir", node.data_dir(), signer.key_id()});
    ASSERT_EQ(revoked.exit_code, 0) << revoked.errors;
    proxy.cut();
    const RawResponse first = answer.get();
    if (arrived) {
      EXPECT_EQ(first.status, 200) << first.body;
    } else {
      EXPECT_EQ(code_of(first), "database_unavailable") << "the node cannot tell whether the first sending ran";
    }
    EXPECT_EQ(code_of(cut.call(sale)), "signature_invalid") << "a copy";
    EXPECT_EQ(stock_of(node, item).sold, arrived ? 2 : 0);
  }
}

TEST(SignedRead, IsHeldToItsNonceWhereASignatureIsRequired) {
  const Node strict({.arguments = {"--require-signature", "all"}});
  const Signer signer(strict, "reader");
  const ApiCall list = signer.sign({.path = "/api/inventory?limit=1", .token = strict.token("reader", "admin")});
  EXPECT_EQ(strict.call(list).status, 200);
  EXPECT_EQ(code_of(strict.call(list)), "signature_replayed");
  EXPECT_EQ(code_of(strict.call({.path = "/api/inventory", .token = strict.token("reader", "admin")})),
            "signature_missing");
  EXPECT_EQ(strict.call({.path = "/readyz"}).status, 200);
  const ApiCall elsewhere = signer.sign({.path = "/api/inventory", .token = strict.token("reader", "admin")});
  const Node& relaxed = strict_node();
  EXPECT_EQ(code_of(relaxed.call(elsewhere)), "token_invalid") << "another node's secret, another node's users";
}

TEST(RequiredOfAll, AreSignaturesOnTheNodesOwnRoutesToo) {
  const Node strict({.arguments = {"--require-signature", "all"}});
  const std::string token = strict.token("root", "admin auditor");
  const std::string id = "00000000-0000-4000-8000-000000000000";
  const ApiCall own[] = {
      {.path = "/api/token-revocations"},
      {.method = "POST", .path = "/api/token-revocations", .body = R"({"user":"mallory"})"},
      {.method = "DELETE", .path = "/api/token-revocations/" + id},
      {.path = "/api/signing-keys"},
      {.path = "/api/idempotency/orders:create/order-7"},
      {.path = "/api/audit-logs"},
      {.path = "/api/audit-logs/1"},
      {.path = "/api/audit-logs/1/proof"},
      {.path = "/api/audit-logs/checkpoint"},
      {.path = "/api/audit-logs/key"},
  };
  for (ApiCall call : own) {
    call.token = token;
    EXPECT_EQ(code_of(strict.call(call)), "signature_missing") << call.method << ' ' << call.path;
  }
  EXPECT_EQ(strict.ask("SELECT count(*) FROM token_revocations"), "0");
  const Signer signer(strict, "root");
  ApiCall revoke = own[1];
  revoke.token = token;
  EXPECT_EQ(strict.call(signer.sign(revoke)).status, 201);
  EXPECT_EQ(strict.ask("SELECT count(*) FROM token_revocations"), "1");
}

TEST(SignedRead, MayBeRepeatedWhereASignatureIsOptionalButMustBeRight) {
  const Node& node = strict_node();
  const Signer signer(node, "curious");
  ApiCall list = signer.sign({.path = "/api/inventory?limit=1", .token = node.token("curious", "admin")});
  EXPECT_EQ(node.call(list).status, 200);
  EXPECT_EQ(node.call(list).status, 200);
  list.path = "/api/inventory?limit=2";
  EXPECT_EQ(code_of(node.call(list)), "signature_invalid");
}

TEST(ContentDigest, IsCheckedOnAnUnsignedRequestToo) {
  const Node& node = shared_node();
  ApiCall sale = sell(node, make_item(node, 3), 1);
  sale.headers.emplace_back("Content-Digest", "sha-256=:AAAA:");
  EXPECT_EQ(code_of(node.call(sale)), "content_digest_mismatch");
}

// 300 here; TENON_REPLAYS=10000 for the whole count.
TEST(Replays, AtAnyTimeOnAnyOfThreeNodesExecuteNothing) {
  const Node& first = strict_node();
  NodeSettings settings = beside(first);
  settings.arguments.insert(settings.arguments.end(), {"--require-signature", "inventory:update"});
  const Node second(settings);
  const Node third(settings);
  const Node* nodes[] = {&first, &second, &third};
  const char* asked = std::getenv("TENON_REPLAYS");  // NOLINT(concurrency-mt-unsafe): one thread
  const int count = asked == nullptr ? 300 : std::atoi(asked);
  const Signer signer(first, "captured");
  const std::string item = make_item(first, 1'000'000);

  std::random_device entropy;
  const unsigned seed = entropy();
  std::printf("seed %u, %d replays\n", seed, count);
  std::mt19937 random(seed);
  std::vector<ApiCall> captured;
  int executed = 0;
  std::map<std::string, int> outcomes;
  for (int done = 0; done < count;) {
    // A fresh sale now and then, of any age within the window: replays of it come at once, later, and too late.
    if (captured.empty() || random() % 20 == 0) {
      const auto age = seconds(random() % 50);
      captured.push_back(signer.sign(sell(first, item, 1), wall_now() - age));
      const RawResponse sold = nodes[random() % 3]->call(captured.back());
      executed += sold.status == 200 ? 1 : 0;
      if (sold.status != 200) {
        ASSERT_EQ(code_of(sold), "signature_expired") << "of age " << age.count();
      }
      continue;
    }
    std::vector<ApiCall> volley;
    for (int i = 0; i < 8 && done < count; ++i, ++done) volley.push_back(captured[random() % captured.size()]);
    for (const RawResponse& response : send_all(nodes[random() % 3]->port(), volley)) {
      ++outcomes[response.status == 401 ? code_of(response) : std::to_string(response.status)];
    }
  }
  for (const auto& [outcome, times] : outcomes) std::printf("  %s: %d\n", outcome.c_str(), times);
  EXPECT_EQ(stock_of(first, item).sold, executed);
  EXPECT_EQ(stock_of(first, item).entries, executed);
  outcomes.erase("signature_replayed");
  outcomes.erase("signature_expired");
  EXPECT_TRUE(outcomes.empty());
}

}  // namespace
}  // namespace tenon::test
