// Keys of users: added, listed, revoked; by administrators over HTTP and by operators on the command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "service/inventory.hpp"
#include "service/signer.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;

ApiCall add_key(const Node& node, const std::string& body) {
  return {.method = "POST",
          .path = "/api/signing-keys",
          .token = node.token("chief", "admin"),
          .key = fresh_key(),
          .body = body};
}

std::string json_text(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.replace(at, 1, "\\n");
  return "\"" + text + "\"";
}

TEST(SigningKeys, AreAddedOverHttpAndGoodAtOnce) {
  const Node& node = shared_node();
  const signature::KeyPair pair = signature::generate(signature::Algorithm::ed25519);
  const ApiCall add = add_key(node, R"({"user":"http-user","algorithm":"ed25519","label":"laptop","public_key":)" +
                                        json_text(pair.public_half) + "}");
  const RawResponse added = node.call(add);
  ASSERT_EQ(added.status, 201) << added.body;
  const std::string id = at(added.body, "id");
  EXPECT_EQ(added.header("Location"), "/api/signing-keys/" + id);
  EXPECT_EQ(at(added.body, "user"), "http-user");
  EXPECT_EQ(at(added.body, "label"), "laptop");
  EXPECT_EQ(at(added.body, "revoked_at"), "null");
  EXPECT_EQ(at(added.body, "public_key"), "(nothing)");
  EXPECT_EQ(node.call(add).body, added.body) << "a retry adds no second one";
  EXPECT_EQ(node.ask("SELECT count(*) FROM signing_keys WHERE user_id = 'http-user'"), "1");
  EXPECT_EQ(node.ask("SELECT count(*) FROM audit_logs WHERE action = 'ADD_SIGNING_KEY' AND entity_id = $1", {id}), "1");

  const RawResponse listed =
      node.call({.path = "/api/signing-keys?user=http-user", .token = node.token("chief", "admin")});
  EXPECT_EQ(at(listed.body, "items"), "[1]");
  EXPECT_EQ(at(listed.body, "items.0.id"), id);
}

TEST(SigningKeys, AreForAdministrators) {
  const Node& node = shared_node();
  for (ApiCall call : {add_key(node, "{}"), ApiCall{.path = "/api/signing-keys"},
                       ApiCall{.method = "DELETE", .path = "/api/signing-keys/018f0000-0000-7000-8000-000000000001"}}) {
    call.token = node.token("staff-member", "staff auditor");
    EXPECT_EQ(node.call(call).status, 403) << call.method;
    call.token.clear();
    EXPECT_EQ(node.call(call).status, 401) << call.method;
  }
}

TEST(SigningKeys, ThatAreNoneAreRefusedWithTheReason) {
  const Node& node = shared_node();
  const struct {
    const char* body;
    const char* path;
    const char* says;
  } rows[] = {
      {R"({"algorithm":"ed25519","public_key":"x"})", "user", "required"},
      {R"({"user":"u","public_key":"x"})", "algorithm", "required"},
      {R"({"user":"u","algorithm":"none","public_key":"x"})", "algorithm", "must be one of"},
      {R"({"user":"u","algorithm":"ed25519","public_key":"x"})", "public_key", "no PEM block"},
      {R"({"user":"u","algorithm":"ed25519","secret":"eA=="})", "public_key", "required"},
      {R"({"user":"u","algorithm":"hmac-sha256","secret":"c2hvcnQ="})", "secret", "32 to 512 bytes"},
      {R"({"user":"u","algorithm":"hmac-sha256","secret":"not base64!"})", "secret", "base64"},
      {R"({"user":"u","algorithm":"ed25519","public_key":"x","expires_at":"tomorrow"})", "expires_at", "ISO 8601"},
      {R"({"user":"u","algorithm":"ed25519","public_key":"x","expires_at":"0000-01-01T00:00:00Z"})", "expires_at",
       "ISO 8601"},
  };
  for (const auto& row : rows) {
    const RawResponse refused = node.call(add_key(node, row.body));
    EXPECT_EQ(refused.status, 422) << row.body;
    EXPECT_THAT(refused.body, HasSubstr("\"path\":\"" + std::string(row.path) + "\"")) << row.body;
    EXPECT_THAT(refused.body, HasSubstr(row.says)) << row.body;
  }
  // By the database's clock.
  const RawResponse passed = node.call(add_key(
      node, R"({"user":"u","algorithm":"hmac-sha256","secret":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",)"
            R"("expires_at":"2020-01-01T00:00:00Z"})"));
  EXPECT_EQ(passed.status, 422) << passed.body;
  EXPECT_EQ(at(passed.body, "violations.0.path"), "expires_at") << passed.body;
  EXPECT_EQ(at(passed.body, "violations.0.rule"), "must be in the future") << passed.body;
}

TEST(SigningKeys, ThatAreRevokedAreRefusedByWritesAtOnceAndByReadsWithinTheCachesFiveSeconds) {
  const Node& node = shared_node();
  const Signer signer(node, "leaver");
  const std::string item = make_item(node, 5);
  ASSERT_EQ(node.call(signer.sign(sell(node, item, 1))).status, 200);
  const ApiCall revoke{.method = "DELETE",
                       .path = "/api/signing-keys/" + signer.key_id(),
                       .token = node.token("chief", "admin"),
                       .key = fresh_key()};
  const RawResponse revoked = node.call(revoke);
  ASSERT_EQ(revoked.status, 200) << revoked.body;
  EXPECT_NE(at(revoked.body, "revoked_at"), "null");
  EXPECT_EQ(code_of(node.call(signer.sign(sell(node, item, 1)))), "signature_invalid");
  EXPECT_EQ(stock_of(node, item).sold, 1);
  EXPECT_EQ(node.ask("SELECT count(*) FROM audit_logs WHERE action = 'REVOKE_SIGNING_KEY' AND entity_id = $1",
                     {signer.key_id()}),
            "1");
  ApiCall again = revoke;
  again.key = fresh_key();
  EXPECT_EQ(node.call(again).body, revoked.body) << "nothing changes any more";
  again.path = "/api/signing-keys/018f0000-0000-7000-8000-000000000001";
  again.key = fresh_key();
  EXPECT_EQ(node.call(again).status, 404);
}

TEST(SigningKeys, OfSharedSecretsAreSealedInTheDatabase) {
  const Node& node = shared_node();
  const Signer signer(node, "sharing", "hmac-sha256");
  ASSERT_EQ(node.call(signer.sign(sell(node, make_item(node, 1), 1))).status, 200);
  const std::string stored = node.ask("SELECT material FROM signing_keys WHERE id = $1", {signer.key_id()});
  EXPECT_TRUE(stored.starts_with("v1.")) << stored;
  std::string secret = content_of(signer.key_file());
  secret = secret.substr(0, secret.find('\n'));
  EXPECT_EQ(node.ask("SELECT count(*) FROM signing_keys WHERE strpos(material, $1) > 0", {secret}), "0");
  // Put under another key it opens nothing.
  const Signer thief(node, "thief", "hmac-sha256");
  // As a superuser may, past the audit.
  node.ask(
      "WITH past AS MATERIALIZED (SELECT set_config('session_replication_role', 'replica', true))"
      " UPDATE signing_keys SET material = $1 FROM past WHERE id = $2",
      {stored, thief.key_id()});
  ApiCall call = thief.sign(sell(node, make_item(node, 1), 1));
  EXPECT_EQ(code_of(node.call(call)), "signature_invalid");
}

// Of a folder whose path is too long for a socket: the socket is elsewhere.
TEST(CommandsOfARunningNode, FindItsDatabaseWhereverItsSocketIs) {
  const TemporaryFolder folder;
  const Node node({.data_dir = folder.path() / std::string(100, 'd')});
  const std::vector<std::vector<std::string>> commands{{"keys", "list"}, {"token", "revoke", "--user", "x"}};
  for (std::vector<std::string> command : commands) {
    command.insert(command.end(), {"--data-dir", node.data_dir()});
    const Ended ended = run_tenon(command);
    EXPECT_EQ(ended.exit_code, 0) << command.front() << ": " << ended.errors;
  }
}

TEST(CommandsOfARunningNode, TakeTheFlagThenTheFileThenTheVariable) {
  const Node& node = shared_node();
  const Signer signer(node, "where-to-look");
  const TemporaryFolder folder;
  const std::string file = folder.path() / "node.toml";
  std::ofstream(file) << "database-url = \"" << node.edge() << "\"\n";
  const std::vector<std::vector<std::string>> commands{{"keys", "list", "--sub", "where-to-look"},
                                                       {"token", "revoke", "--user", "where-to-look"}};
  const auto run = [](std::vector<std::string> command, const std::vector<std::string>& more) {
    command.insert(command.end(), more.begin(), more.end());
    return run_tenon(command);
  };
  for (const std::vector<std::string>& command : commands) {
    ::setenv("TENON_DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing", 1);
    const Ended by_variable = run(command, {});
    const Ended by_file = run(command, {"--config", file});
    const Ended by_folder = run(command, {"--data-dir", node.data_dir()});
    const Ended by_url = run(command, {"--database-url", node.edge()});
    ::unsetenv("TENON_DATABASE_URL");
    EXPECT_THAT(by_variable.errors, HasSubstr("port 1 failed"));
    EXPECT_THAT(by_file.output, HasSubstr("where-to-look")) << by_file.errors;
    EXPECT_THAT(by_folder.output, HasSubstr("where-to-look")) << by_folder.errors;
    EXPECT_THAT(by_url.output, HasSubstr("where-to-look")) << by_url.errors;
  }
}

TEST(KeysCommand, AddsListsAndRevokes) {
  const Node& node = shared_node();
  const Signer signer(node, "operator-made");
  const std::vector<std::string> there{"--data-dir", node.data_dir()};
  const auto keys = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "keys");
    arguments.insert(arguments.end(), there.begin(), there.end());
    return run_tenon(arguments);
  };
  const Ended listed = keys({"list", "--sub", "operator-made"});
  EXPECT_EQ(at(listed.output, "id"), signer.key_id()) << listed.output << listed.errors;
  const Ended revoked = keys({"revoke", signer.key_id()});
  EXPECT_EQ(revoked.exit_code, 0) << revoked.errors;
  EXPECT_NE(at(revoked.output, "revoked_at"), "null");
  EXPECT_EQ(code_of(node.call(signer.sign(sell(node, make_item(node, 1), 1)))), "signature_invalid");
  EXPECT_THAT(node.ask("SELECT actor FROM audit_logs WHERE action = 'REVOKE_SIGNING_KEY' AND entity_id = $1",
                       {signer.key_id()}),
              HasSubstr("@cli:"));
  const struct {
    std::vector<std::string> arguments;
    const char* says;
  } rows[] = {
      {{"revoke", "nonsense"}, "is not the id of a key"},
      {{"revoke", "018f0000-0000-7000-8000-000000000001"}, "There is no signing key"},
      {{"add", "--sub", "x"}, "say --private-key FILE for a new key"},
      {{"add", "--sub", "x", "--algorithm", "none", "--private-key", "/tmp/x"}, "there is no \"none\""},
      {{"add", "--sub", "x", "--public-key", "/nowhere"}, "cannot read /nowhere"},
      {{"add", "--sub", "x", "--private-key", signer.key_file()}, "File exists"},
  };
  for (const auto& row : rows) {
    const Ended refused = keys(row.arguments);
    EXPECT_NE(refused.exit_code, 0) << row.says;
    EXPECT_THAT(refused.errors, HasSubstr(row.says));
  }
}

// What `tenon sign` prints is a request that a node takes.
TEST(SignCommand, PrintsTheHeadersThatANodeTakes) {
  const Node& node = shared_node();
  const Signer signer(node, "shell-user");
  const std::string item = make_item(node, 5);
  const std::string path = "/api/inventory/" + item;
  const Ended printed =
      run_tenon({"sign", "--key", signer.key_file(), "--keyid", signer.key_id(), "--method", "PATCH", "--url",
                 "http://localhost" + path, "--data", R"({"decrement":2})", "--idempotency-key", "from-the-shell"});
  ASSERT_EQ(printed.exit_code, 0) << printed.errors;
  ApiCall call{
      .method = "PATCH", .path = path, .token = node.token("shell-user", "staff"), .body = R"({"decrement":2})"};
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = printed.output.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = printed.output.substr(begin, end - begin);
    const std::size_t colon = line.find(": ");
    if (!line.starts_with("Host")) call.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  EXPECT_EQ(node.call(call).status, 200);
  EXPECT_EQ(code_of(node.call(call)), "signature_replayed");
  EXPECT_EQ(stock_of(node, item).sold, 2);

  const Ended curl = run_tenon({"sign", "--curl", "--key", signer.key_file(), "--keyid", signer.key_id(), "--url",
                                "http://localhost:8080/api/inventory?q=it's", "--token", "T"});
  EXPECT_THAT(curl.output, testing::StartsWith("curl -i -X GET -H 'Authorization: Bearer T' "));
  EXPECT_THAT(curl.output, HasSubstr("'http://localhost:8080/api/inventory?q=it'\\''s'"));
  const Ended wrong = run_tenon({"sign", "--key", "/nowhere", "--keyid", "x", "--url", "http://localhost/"});
  EXPECT_THAT(wrong.errors, HasSubstr("cannot read /nowhere"));
}

TEST(SignCommand, TakesTheKeyOfAHeaderAndRefusesWhatItWritesItself) {
  const Signer signer(shared_node(), "header-user");
  const auto sign = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{
        "sign",   "--key", signer.key_file(), "--keyid", signer.key_id(), "--url", "http://localhost/api/orders",
        "--data", "{}"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_tenon(arguments);
  };
  const Ended taken = sign({"--header", "idempotency-key: order-55"});
  EXPECT_THAT(taken.output, testing::StartsWith("idempotency-key: order-55\n")) << taken.errors;
  EXPECT_THAT(taken.output, testing::Not(HasSubstr("Idempotency-Key: "))) << "and no other";
  EXPECT_THAT(taken.output, HasSubstr("\"idempotency-key\"")) << "it is signed";
  const Ended twice = sign({"--header", "Idempotency-Key: a", "--idempotency-key", "b"});
  EXPECT_EQ(twice.exit_code, 1);
  EXPECT_THAT(twice.errors, HasSubstr("said twice"));
  for (const std::string name :
       {"host", "Content-Digest", "Content-Length", "Signature", "Signature-Input", "Transfer-Encoding"}) {
    const Ended refused = sign({"--header", name + ": x"});
    EXPECT_EQ(refused.exit_code, 1) << name;
    EXPECT_EQ(refused.output, "") << name;
    EXPECT_THAT(refused.errors, HasSubstr("is written by this command")) << name;
  }
}

TEST(SignCommand, PrintsALineForHeadThatWaitsForNoBody) {
  const Signer signer(shared_node(), "head-user");
  const Ended curl = run_tenon({"sign", "--curl", "--method", "HEAD", "--key", signer.key_file(), "--keyid",
                                signer.key_id(), "--url", "http://localhost/api/inventory"});
  EXPECT_THAT(curl.output, testing::StartsWith("curl -i --head -H ")) << curl.errors;
}

TEST(SignatureSettings, ThatContradictEachOtherStopTheStart) {
  const struct {
    std::vector<std::string> arguments;
    const char* says;
  } rows[] = {
      {{"--signature-window", "60"}, "say 50 s at most"},
      {{"--signature-window", "2h", "--key-lifetime", "1h"}, "longer than the 3600 s"},
      {{"--signature-skew", "30"}, "leaves no window"},
      {{"--signature-skew", "61", "--key-lifetime", "1h"}, "--signature-skew: a minute at most"},
      {{"--require-signature", "no:such"}, "--require-signature: no route has the scope \"no:such\""},
      {{"--key-lifetime", "orders:creat=1h"},
       "--key-lifetime: no route has the scope \"orders:creat\" (did you mean \"orders:create\"?)"},
      {{"--signature-authority", "not a host"}, "is not HOST or HOST:PORT"},
      {{"--signature-window", "soon"}, "is not a duration"},
  };
  for (const auto& row : rows) {
    std::vector<std::string> arguments{"config", "check"};
    arguments.insert(arguments.end(), row.arguments.begin(), row.arguments.end());
    const Ended checked = run_tenon(arguments);
    EXPECT_NE(checked.exit_code, 0) << row.says;
    EXPECT_THAT(checked.errors, HasSubstr(row.says));
  }
  EXPECT_EQ(run_tenon({"config", "check", "--signature-skew", "60", "--key-lifetime", "1h"}).exit_code, 0);
  EXPECT_EQ(run_tenon({"config", "check", "--require-signature", "all,signing-keys:add,token-revocation:lift",
                       "--signature-window", "10m", "--key-lifetime", "1h", "--signature-authority", "Shop.Example"})
                .exit_code,
            0);
}

}  // namespace
}  // namespace tenon::test
