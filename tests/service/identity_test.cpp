// Who may call: tokens of an issuer by key file, key set and URL, through rotation and failure; revocation on every
// node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "safeguards/hmac_sha256.hpp"
#include "service/inventory.hpp"
#include "support/signing_key.hpp"

namespace tenon::test {
namespace {

using safeguards::TokenAlgorithm;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

std::int64_t now_seconds() { return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()); }

std::string claims(const std::string& user, const std::string& further = "") {
  return R"({"sub":")" + user + R"(","roles":["admin"],"iat":)" + std::to_string(now_seconds() - 60) + R"(,"exp":)" +
         std::to_string(now_seconds() + 600) + further + "}";
}

ApiCall listing(const std::string& token) { return {.path = "/api/inventory", .token = token}; }

// "200", or the code of the refusal.
std::string judged(const Node& node, const std::string& token) {
  const RawResponse response = node.call(listing(token));
  return response.status == 200 ? "200" : code_of(response);
}

// Asks again until it is so.
testing::AssertionResult becomes(const Node& node, const std::string& token, const std::string& outcome,
                                 milliseconds within) {
  const auto until = steady_clock::now() + within;
  std::string last;
  do {
    last = judged(node, token);
    if (last == outcome) return testing::AssertionSuccess();
    std::this_thread::sleep_for(milliseconds(20));
  } while (steady_clock::now() < until);
  return testing::AssertionFailure() << last << " and not " << outcome;
}

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file.string() + ".new") << text;
  std::filesystem::rename(file.string() + ".new", file);
}

std::string set_of(const SigningKey& key, const std::string& id) {
  return R"({"keys":[)" + key.jwk(R"(,"kid":")" + id + '"') + "]}";
}

std::string why_not(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"serve", "--listen", "127.0.0.1:0", "--log-level", "off"});
  const Ended ended = run_tenon(arguments);
  EXPECT_NE(ended.exit_code, 0);
  return ended.errors;
}

TEST(AnIssuersTokens, AreTakenByItsPublicKeyAloneOnceThatIsAsked) {
  const TemporaryFolder folder;
  for (const TokenAlgorithm algorithm :
       {TokenAlgorithm::rs256, TokenAlgorithm::ps256, TokenAlgorithm::es256, TokenAlgorithm::eddsa}) {
    const SigningKey key(algorithm);
    const std::string pem = folder.path() / "issuer.pem";
    write(pem, key.public_pem());
    const Node node({.arguments = {"--token-alg", std::string(name_of(algorithm)), "--token-key", pem, "--token-issuer",
                                   "https://id.example", "--token-audience", "tenon,other"}});
    const std::string scope = R"(,"iss":"https://id.example","aud":["x","tenon"])";
    EXPECT_EQ(judged(node, key.token_of(claims("ann", scope), "any")), "200");
    EXPECT_EQ(judged(node, key.token_of(claims("ann"))), "token_invalid");
    EXPECT_EQ(judged(node, node.token("ann", "admin")), "token_invalid") << "HS256 was not asked for";
  }
}

TEST(ClaimsOfAnIssuer, AreReadWhereTheSettingsSay) {
  const Node node({.arguments = {"--token-user-claim", "preferred_username", "--token-roles-claim",
                                 "realm_access.roles", "--token-role", "shop-manager=admin,shop-clerk=staff"}});
  std::string secret = content_of(node.data_dir() / "secret");
  secret.pop_back();
  const auto token = [&](const std::string& members) {
    const std::string text = base64url(R"({"alg":"HS256"})") + "." +
                             base64url("{" + members + R"(,"exp":)" + std::to_string(now_seconds() + 600) + "}");
    return text + "." + base64url(as_text(safeguards::HmacSha256Key(secret)(text)));
  };
  const std::string ann = R"("preferred_username":"ann","sub":"7")";
  const auto role_shown = [&](const std::string& roles) {
    const ApiCall make{.method = "POST",
                       .path = "/api/inventory",
                       .token = token(ann + R"(,"realm_access":{"roles":)" + roles + "}"),
                       .key = fresh_key(),
                       .body = R"({"name":"Chair","price":5})"};
    return node.call(make).status;
  };
  EXPECT_EQ(role_shown(R"(["shop-manager"])"), 201);
  EXPECT_EQ(role_shown(R"(["shop-clerk"])"), 403);
  EXPECT_EQ(role_shown(R"(["admin"])"), 403) << "our own names mean nothing once others do";
  EXPECT_EQ(role_shown(R"(7)"), 401);
  EXPECT_EQ(node.ask("SELECT actor FROM audit_logs"), "ann");
  EXPECT_EQ(judged(node, token(R"("sub":"7")")), "token_invalid");
  EXPECT_EQ(run_tenon({"token", "--data-dir", node.data_dir(), "--sub", "ann"}).exit_code, 0);
}

TEST(AKeySetInAFile, IsFollowedWithoutARestartAndTheLastGoodOneIsKept) {
  const TemporaryFolder folder;
  const SigningKey old_key(TokenAlgorithm::es256);
  const SigningKey new_key(TokenAlgorithm::es256);
  const std::string file = folder.path() / "jwks.json";
  write(file, set_of(old_key, "old"));
  const Node node({.arguments = {"--token-alg", "HS256,ES256", "--token-jwks", file}});
  const std::string old_token = old_key.token_of(claims("ann"), "old");
  const std::string new_token = new_key.token_of(claims("ann"), "new");
  EXPECT_EQ(judged(node, old_token), "200");
  EXPECT_EQ(judged(node, new_token), "token_invalid");
  EXPECT_EQ(judged(node, node.token("ann", "admin")), "200") << "beside it, as asked for";

  for (const char* bad : {"", "{", R"({"keys":[]})", R"({"keys":[{"kty":"oct","k":"AAAA"}]})"}) write(file, bad);
  std::filesystem::remove(file);
  std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(judged(node, old_token), "200");
  write(file, set_of(new_key, "new"));
  EXPECT_TRUE(becomes(node, new_token, "200", seconds(10)));
  EXPECT_EQ(judged(node, old_token), "token_invalid");
}

// A web server for key sets: openssl's own, over a certificate made here.
class KeyServer {
 public:
  KeyServer() {
    const Ended made = run({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                            "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                            "-out", certificate(), "-keyout", folder_.path() / "key.pem"});
    if (made.exit_code != 0) throw std::runtime_error(made.errors);
    start("127.0.0.1:0");
  }
  [[nodiscard]] std::string certificate() const { return folder_.path() / "certificate.pem"; }
  [[nodiscard]] std::string url() const { return "https://localhost:" + port_ + "/keys.json"; }
  void serve(const std::string& text) const { write(folder_.path() / "keys.json", text); }
  void stop() { server_.reset(); }
  void restart() { start("127.0.0.1:" + port_); }

 private:
  static Ended run(const std::vector<std::string>& arguments) {
    const TemporaryFolder folder;
    ChildProgram program(arguments, folder.path() / "errors");
    const auto code = program.await_end(seconds(30));
    return {.exit_code = code.value_or(-1), .output = program.output(), .errors = program.errors()};
  }
  void start(const std::string& address) {
    const std::string command = "cd " + folder_.path().string() +
                                " && exec openssl s_server -WWW -cert certificate.pem -key key.pem -accept " + address;
    server_.emplace(std::vector<std::string>{"/bin/sh", "-c", command}, folder_.path() / "errors");
    const auto line = server_->await_line("ACCEPT", seconds(30));
    if (!line) throw std::runtime_error("openssl s_server did not start: " + server_->errors());
    if (port_.empty()) port_ = line->substr(line->rfind(':') + 1);  // told when it was for openssl to choose
  }
  TemporaryFolder folder_;
  std::optional<ChildProgram> server_;
  std::string port_;
};

TEST(AKeySetAtAUrl, IsFetchedOverVerifiedTlsAndOutlivesItsServer) {
  KeyServer server;
  const SigningKey old_key(TokenAlgorithm::eddsa);
  const SigningKey new_key(TokenAlgorithm::eddsa);
  server.serve(set_of(old_key, "old"));
  const std::vector<std::string> arguments{"--token-alg", "EdDSA",           "--token-jwks",
                                           server.url(),  "--token-jwks-ca", server.certificate()};
  const std::string old_token = old_key.token_of(claims("ann"), "old");
  const std::string new_token = new_key.token_of(claims("ann"), "new");
  const TemporaryFolder data;
  {
    Node node({.arguments = arguments, .data_dir = data.path()});
    EXPECT_EQ(judged(node, old_token), "200");
    server.serve(set_of(new_key, "new"));
    EXPECT_EQ(judged(node, old_token), "200") << "nobody has asked for another key yet";
    EXPECT_EQ(judged(node, new_token), "token_invalid") << "no request waits for a fetch";
    EXPECT_TRUE(becomes(node, new_token, "200", seconds(40))) << node.log();
    EXPECT_EQ(judged(node, old_token), "token_invalid");
    // Fetched again, and the same as before: the copy is as fresh as what was fetched.
    const auto long_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
    std::filesystem::last_write_time(data.path() / "token-jwks.json", long_ago);
    const auto until = steady_clock::now() + seconds(40);
    while (std::filesystem::last_write_time(data.path() / "token-jwks.json") == long_ago &&
           steady_clock::now() < until) {
      EXPECT_EQ(judged(node, old_token), "token_invalid") << "and makes it ask for its key";
      std::this_thread::sleep_for(milliseconds(50));
    }
    EXPECT_LT(steady_clock::now(), until);
    ASSERT_EQ(node.stop(), 0);
  }
  server.stop();
  std::filesystem::last_write_time(data.path() / "token-jwks.json",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  {
    Node node({.arguments = arguments, .data_dir = data.path()});
    EXPECT_EQ(judged(node, new_token), "200") << "the set that was fetched last";
    EXPECT_THAT(node.log(), HasSubstr("token_keys_from_copy"));
    const std::string metrics = node.call({.path = "/metrics"}).body;
    const std::string age = "\ntenon_token_keys_age_seconds ";
    ASSERT_THAT(metrics, HasSubstr(age));
    EXPECT_GE(std::stod(metrics.substr(metrics.find(age) + age.size())), 3600) << "as old as the copy";
    ASSERT_EQ(node.stop(), 0);
  }
  const TemporaryFolder fresh;
  EXPECT_THAT(why_not({"--data-dir", fresh.path(), "--token-alg", "EdDSA", "--token-jwks", server.url(),
                       "--token-jwks-ca", server.certificate()}),
              HasSubstr("no set of it was fetched before"));
  server.restart();
  EXPECT_THAT(why_not({"--data-dir", fresh.path(), "--token-alg", "EdDSA", "--token-jwks", server.url()}),
              HasSubstr("peer certificate"))
      << "a certificate that nobody vouches for";
  server.serve(std::string(300 * 1024, ' '));
  EXPECT_THAT(why_not({"--data-dir", fresh.path(), "--token-alg", "EdDSA", "--token-jwks", server.url(),
                       "--token-jwks-ca", server.certificate()}),
              HasSubstr("larger than"));
}

TEST(ARevocation, OfAUserIsKnownToEveryNodeWithinASecond) {
  const Node first;
  const Node second(beside(first));
  const std::string item = make_item(first, 10);
  const std::string victim = first.token("mallory", "staff");
  const std::string other = first.token("bob", "staff");
  EXPECT_EQ(judged(first, victim), "200");
  EXPECT_EQ(judged(second, victim), "200");
  const ApiCall revoke{.method = "POST",
                       .path = "/api/token-revocations",
                       .token = first.token("chief", "admin"),
                       .key = fresh_key(),
                       .body = R"({"user":"mallory","reason":"left the company"})"};
  const RawResponse revoked = first.call(revoke);
  EXPECT_EQ(revoked.status, 201) << revoked.body;
  EXPECT_TRUE(becomes(first, victim, "token_revoked", seconds(30)));
  EXPECT_TRUE(becomes(second, victim, "token_revoked", seconds(30)));
  EXPECT_EQ(judged(second, other), "200");
  const RawResponse refused = second.call(listing(victim));
  EXPECT_EQ(refused.header("WWW-Authenticate"),
            R"(Bearer realm="tenon", error="invalid_token", error_description="The access token was revoked")");

  // One entry for one change; the same word again changes nothing.
  EXPECT_EQ(first.call(revoke).header("Idempotency-Status"), "replayed");
  EXPECT_EQ(first.ask("SELECT count(*) || ' ' || min(actor) || ' ' || min(action) FROM audit_logs"
                      " WHERE entity_kind = 'token_revocation'"),
            "1 chief REVOKE_TOKENS");

  const Node late(beside(first));
  EXPECT_EQ(judged(late, victim), "token_revoked") << "known before the first request";

  const RawResponse listed = first.call({.path = "/api/token-revocations", .token = first.token("chief", "admin")});
  EXPECT_EQ(at(listed.body, "items.0.user"), "mallory");
  const RawResponse lifted = first.call({.method = "DELETE",
                                         .path = "/api/token-revocations/" + at(revoked.body, "id"),
                                         .token = first.token("chief", "admin")});
  EXPECT_EQ(lifted.status, 204);
  EXPECT_TRUE(becomes(first, victim, "200", seconds(30)));
  EXPECT_TRUE(becomes(second, victim, "200", seconds(30)));
  EXPECT_EQ(
      first.ask("SELECT string_agg(action || ' ' || actor, ', ' ORDER BY id) FROM audit_logs WHERE entity_id = $1",
                {at(revoked.body, "id")}),
      "REVOKE_TOKENS chief, LIFT_REVOCATION chief");
}

TEST(ARevocation, IsOfTheNameAsItIsWithTheWhiteSpaceAtItsEnds) {
  const Node node;
  const std::string victim = node.token("mallory ", "staff");
  const std::string namesake = node.token("mallory", "staff");
  EXPECT_EQ(judged(node, victim), "200");
  const RawResponse revoked = node.call({.method = "POST",
                                         .path = "/api/token-revocations",
                                         .token = node.token("chief", "admin"),
                                         .body = R"({"user":"mallory "})"});
  EXPECT_EQ(revoked.status, 201) << revoked.body;
  EXPECT_TRUE(becomes(node, victim, "token_revoked", seconds(30)));
  EXPECT_EQ(judged(node, namesake), "200");
}

TEST(ARevocation, OfOneTokenFromTheCommandLineLeavesTheUsersOthers) {
  const Node node;
  const auto fresh = [&] {
    std::string token = run_tenon({"token", "--data-dir", node.data_dir(), "--sub", "ann", "--role", "staff"}).output;
    token.pop_back();
    return token;
  };
  const std::string lost = fresh();
  const std::string kept = fresh();
  EXPECT_EQ(judged(node, lost), "200");
  const Ended revoked = run_tenon({"token", "revoke", "--data-dir", node.data_dir(), "--token", lost});
  EXPECT_EQ(revoked.exit_code, 0) << revoked.errors;
  EXPECT_NE(at(revoked.output, "token_id"), "(nothing)") << revoked.output;
  EXPECT_TRUE(becomes(node, lost, "token_revoked", seconds(30)));
  EXPECT_EQ(judged(node, kept), "200");
  EXPECT_THAT(node.ask("SELECT actor FROM audit_logs WHERE action = 'REVOKE_TOKENS'"), testing::StartsWith("cli:"));

  const Ended of_user = run_tenon({"token", "revoke", "--data-dir", node.data_dir(), "--user", "ann"});
  EXPECT_EQ(of_user.exit_code, 0) << of_user.errors;
  EXPECT_TRUE(becomes(node, kept, "token_revoked", seconds(30)));
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"token", "revoke"},
                                                {"token", "revoke", "--user", "a", "--token-id", "b"},
                                                {"token", "revoke", "--token", "nonsense"},
                                                {"token", "revoke", "--user", "a", "--before", "yesterday"},
                                                {"token", "revoke", "--user", "a", "--data-dir", "/nonexistent"}}) {
    std::vector<std::string> arguments = wrong;
    if (std::ranges::find(wrong, "--data-dir") == wrong.end()) {
      arguments.insert(arguments.end(), {"--data-dir", node.data_dir()});
    }
    EXPECT_NE(run_tenon(arguments).exit_code, 0);
  }
}

TEST(ARevocation, HoldsAlsoForATokenThatWasRevokedBeforeUntilTooEarly) {
  const TemporaryFolder folder;
  const SigningKey key(TokenAlgorithm::eddsa);
  write(folder.path() / "issuer.pem", key.public_pem());
  const Node node({.arguments = {"--token-alg", "EdDSA", "--token-key", folder.path() / "issuer.pem"}});
  const std::string chief = key.token_of(claims("chief"));
  const std::string lost = key.token_of(claims("mallory", R"(,"jti":"lost")"));
  const auto revoke = [&](const std::string& body) {
    return node.call({.method = "POST", .path = "/api/token-revocations", .token = chief, .body = body}).status;
  };
  EXPECT_EQ(revoke(R"({"token_id":"lost","expires_at":"2025-12-02T05:21:11Z"})"), 201);
  EXPECT_EQ(revoke(R"({"token_id":"other"})"), 201);
  EXPECT_TRUE(becomes(node, key.token_of(claims("x", R"(,"jti":"other")")), "token_revoked", seconds(30)));
  EXPECT_EQ(judged(node, lost), "200") << "was to be forgotten long ago";
  EXPECT_EQ(revoke(R"({"token_id":"lost"})"), 200);
  EXPECT_TRUE(becomes(node, lost, "token_revoked", seconds(30)));
  const RawResponse listed = node.call({.path = "/api/token-revocations", .token = chief});
  EXPECT_EQ(at(listed.body, "items.0.token_id"), "lost") << listed.body;
}

TEST(ANodesRevocations, AreForgottenOnceTheyHaveExpired) {
  const Node node;
  const auto known = [&](const std::string& count) {
    const auto until = steady_clock::now() + seconds(30);
    while (steady_clock::now() < until) {
      if (node.call({.path = "/metrics"}).body.contains("\ntenon_revocations " + count + "\n")) return true;
      std::this_thread::sleep_for(milliseconds(20));
    }
    return false;
  };
  // As a superuser may, past the audit.
  const auto add = [&](int first, int last, const std::string& expires_at) {
    node.ask(
        "WITH past AS MATERIALIZED (SELECT set_config('session_replication_role', 'replica', true))"
        " INSERT INTO token_revocations (token_id, expires_at, change) SELECT 't' || n, " +
        expires_at + ", n FROM past, generate_series(" + std::to_string(first) + ", " + std::to_string(last) +
        ") AS n");
  };
  add(1, 300, "now() - interval '1 day' + interval '3 s'");
  add(301, 305, "NULL");
  EXPECT_TRUE(known("305"));
  EXPECT_EQ(node.ask("SELECT pg_sleep(extract(epoch FROM max(expires_at) + interval '1 day' - now()) + 0.001)"
                     " FROM token_revocations"),
            "");
  add(1001, 1500, "NULL");
  EXPECT_TRUE(known("505")) << "without another connection";
}

TEST(Revocations, AreForAdminsAndSayWhatIsWrong) {
  const Node& node = shared_node();
  const auto post = [&](const std::string& body, const std::string& roles = "admin") {
    return node.call(
        {.method = "POST", .path = "/api/token-revocations", .token = node.token("chief", roles), .body = body});
  };
  EXPECT_EQ(post(R"({"user":"x"})", "staff auditor").status, 403);
  EXPECT_EQ(node.call({.path = "/api/token-revocations", .token = node.token("chief", "staff")}).status, 403);
  for (const char* bad :
       {"{}", R"({"user":"a","token_id":"b"})", R"({"user":""})", R"({"user":7})",
        R"({"token_id":"t","issued_before":"2025-01-01T00:00:00Z"})", R"({"user":"a","issued_before":"yesterday"})",
        R"({"user":"a","expires_at":"2025-01-01T00:00:00Z"})", R"({"user":"a","else":1})", "[]",
        R"({"user":"a","issued_before":"0000-06-01T00:00:00Z"})",
        R"({"token_id":"a","expires_at":"0000-01-01T00:00:00Z"})",
        R"({"token_id":"a","expires_at":"0001-01-01T00:00:00+01:00"})"}) {
    EXPECT_EQ(code_of(post(bad)), "validation_failed") << bad;
  }
  EXPECT_EQ(post(R"({"token_id":"t-1","expires_at":"2125-01-01T00:00:00Z"})").status, 201);
  EXPECT_EQ(post(R"({"token_id":"t-1"})").status, 200) << "is already";
  const RawResponse far_east = post(R"({"user":"a","issued_before":"2025-12-02T05:21:11.123456+16:00"})");
  EXPECT_EQ(far_east.status, 201) << far_east.body;
  EXPECT_EQ(at(far_east.body, "issued_before"), "2025-12-01T13:21:11.123Z");
  EXPECT_EQ(node.ask("SELECT extract(microseconds FROM issued_before) FROM token_revocations WHERE user_id = 'a'"),
            "11123456");
  const std::string gone = "/api/token-revocations/00000000-0000-7000-8000-000000000000";
  EXPECT_EQ(code_of(node.call({.method = "DELETE", .path = gone, .token = node.token("chief", "admin")})), "not_found");
}

TEST(AStoredAnswer, IsNotShownOnceTheRoleIsGoneThatItTook) {
  const Node& node = shared_node();
  const std::string item = make_item(node, 10);
  const auto as = [&](const std::string& roles, ApiCall call) {
    call.token = node.token("ann", roles);
    return node.call(call);
  };
  const ApiCall edit = change(node, item, R"({"price":77})", "edit-1");
  const ApiCall restock = change(node, item, R"({"increment":3})", "restock-1");
  const ApiCall sale = sell(node, item, 1, "sale-1");
  for (const ApiCall& call : {edit, restock, sale}) EXPECT_EQ(as("admin", call).status, 200);

  const auto outcome = [&](const std::string& roles, const std::string& key) {
    return as(roles, {.path = "/api/idempotency/inventory:update/" + key});
  };
  for (const char* key : {"edit-1", "restock-1"}) {
    EXPECT_EQ(outcome("admin", key).status, 200);
    const RawResponse refused = outcome("staff", key);
    EXPECT_EQ(code_of(refused), "forbidden");
    EXPECT_THAT(refused.body, testing::Not(HasSubstr("77")));
    EXPECT_EQ(outcome("auditor", key).status, 403);
  }
  EXPECT_EQ(outcome("staff", "sale-1").status, 200) << "what staff may still do";
  EXPECT_EQ(outcome("", "sale-1").status, 403);
  EXPECT_EQ(as("staff", edit).status, 403) << "nor by sending it again";
  EXPECT_EQ(as("admin", edit).header("Idempotency-Status"), "replayed");
  EXPECT_EQ(code_of(as("admin", change(node, item, R"({"decrement":1})", "edit-1"))), "idempotency_key_reused")
      << "still one scope";
}

}  // namespace
}  // namespace tenon::test
