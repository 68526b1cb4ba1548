// Secrets: in no log, metric, answer or process list; refused where others can read or guess them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "service/inventory.hpp"
#include "support/signing_key.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string file_with(const std::filesystem::path& file, const std::string& text, mode_t mode = 0600) {
  std::ofstream(file) << text;
  ::chmod(file.c_str(), mode);
  return file;
}

std::string why_not(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"serve", "--listen", "127.0.0.1:0", "--log-level", "off"});
  const Ended ended = run_tenon(arguments);
  EXPECT_NE(ended.exit_code, 0);
  return ended.errors;
}

// Secrets in every place that takes one, used rightly and wrongly; then everything that the node has said is searched.
TEST(Secrets, AreInNothingThatANodeSays) {
  const Node database;
  const TemporaryFolder folder;
  const std::string secret = "SECRET-in-the-file-7c1b9e35a2d84f60";
  const std::string password = "PASSWORD-of-the-database-51c0";
  database.ask("ALTER ROLE tenon_edge PASSWORD '" + password + "'");
  const std::string url =
      "postgres://tenon_edge:" + password + "@/tenon?host=" + database.socket_folder().string() + "&port=5432";
  Node node({.arguments = {"--secret-file", file_with(folder.path() / "secret", secret + "\n"), "--log-level", "debug"},
             .database_url = url});
  const std::string token = node.token("clerk", "admin");
  const std::string item = make_item(node, 10);
  std::string said;
  const auto note = [&](const RawResponse& response) {
    for (const auto& [name, value] : response.headers) said += name + ": " + value + "\n";
    said += response.body + "\n";
  };
  note(node.call(sell(node, item, 1)));
  note(node.call({.path = "/api/inventory", .token = token.substr(0, token.size() - 3) + "AAA"}));
  note(node.call({.path = "/api/inventory?access_token=" + token}));
  note(node.call({.path = "/api/inventory", .headers = {{"Authorization", "Basic " + token}}}));
  note(node.call({.path = "/api/inventory", .headers = {{"Authorization", token}}}));
  note(
      node.call({.method = "POST", .path = "/api/inventory", .token = token, .key = "k", .body = "{\"x\":\"" + token}));
  note(node.call({.path = "/metrics"}));
  note(node.call({.path = "/readyz"}));
  const std::string process = content_of("/proc/" + std::to_string(node.program().pid()) + "/cmdline");
  EXPECT_THAT(process, HasSubstr("--database-url"));
  ASSERT_EQ(node.stop(), 0);
  said += node.log() + node.program().output() + node.program().errors() + process;
  EXPECT_THAT(said, HasSubstr("listening"));
  for (const std::string& hidden : {secret, password, token, token.substr(token.rfind('.') + 1)}) {
    EXPECT_THAT(said, Not(HasSubstr(hidden)));
  }
  // A start that fails does not tell either.
  const std::string wrong = "postgres://tenon_edge:" + password + "@127.0.0.1:1/tenon";
  EXPECT_THAT(why_not({"--data-dir", folder.path() / "d", "--database-url", wrong}), Not(HasSubstr(password)));
}

// Characters that end a URL's host for others are a part of the password where a login is read up to the last @.
TEST(Secrets, AreHiddenInTheProcessListWhateverTheyHaveInThem) {
  const Node database;
  const std::string folder = database.socket_folder().string();
  Node node({.arguments = {"--secret-file", database.data_dir() / "secret", "--redis-url",
                           "redis://:SECRET1/SECRET2?@SECRET3#@127.0.0.1:1/0", "--redis-budget", "1"},
             .database_url = "postgres://tenon_edge@/tenon?host=" + folder + "&password=SECRET4&port=5432"});
  const std::string process = content_of("/proc/" + std::to_string(node.program().pid()) + "/cmdline");
  EXPECT_THAT(process, Not(HasSubstr("SECRET")));
  EXPECT_THAT(process, HasSubstr("@127.0.0.1:1/0"));
  EXPECT_THAT(process, HasSubstr("&port=5432"));
}

TEST(SecretFiles, ThatOthersCanReadAreRefusedWithTheLineToPaste) {
  const TemporaryFolder folder;
  const std::string good = "0f9d1c7be2a84653a7d1e5b2c4f6089d";
  for (const mode_t mode : {0640, 0604, 0660, 0644}) {
    const std::string file = file_with(folder.path() / "secret", good, mode);
    EXPECT_THAT(why_not({"--data-dir", folder.path() / "d", "--secret-file", file}), HasSubstr("chmod 600 " + file));
  }
  const std::string key =
      file_with(folder.path() / "key.pem", SigningKey(safeguards::TokenAlgorithm::es256).private_pem(), 0644);
  EXPECT_THAT(why_not({"--data-dir", folder.path() / "d", "--tls-cert", key, "--tls-key", key}), HasSubstr("chmod 6"));
  const std::string config = file_with(folder.path() / "tenon.toml", "database-url = \"postgres://a:b@c/d\"\n", 0644);
  EXPECT_THAT(why_not({"--config", config}), HasSubstr("chmod 6"));
  for (const char* url : {"redis://:ab/cd@h", "rediss://u:ab?cd@h", "unix://u:ab#cd@/redis", "postgres://a:b?c@d/e",
                          "postgres://h/d?user=a&password=b"}) {
    const std::string hidden =
        file_with(folder.path() / "hidden.toml", "redis-url = \"" + std::string(url) + "\"\n", 0644);
    EXPECT_THAT(run_tenon({"config", "check", "--config", hidden}).errors, HasSubstr("chmod 6")) << url;
  }
  const std::string open = file_with(folder.path() / "open.toml", "database-url = \"postgres://a@c/d\"\n", 0644);
  EXPECT_EQ(run_tenon({"config", "check", "--config", open}).exit_code, 0) << "no password in it";
}

TEST(Secrets, AreMadeByNodesAlone) {
  const TemporaryFolder folder;
  const Ended ended = run_tenon({"token", "--data-dir", folder.path(), "--sub", "x"});
  EXPECT_NE(ended.exit_code, 0);
  EXPECT_EQ(ended.output, "") << "a token that no node takes";
  EXPECT_THAT(ended.errors, HasSubstr("start the node once"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "secret"));
}

TEST(Secrets, ThatAreNamedAndMissingAreMadeByTheLineThatIsPrinted) {
  const TemporaryFolder folder;
  const std::vector<std::string> arguments{"--data-dir",     folder.path() / "d",
                                           "--database-url", "postgres://a@127.0.0.1:1/d",
                                           "--secret-file",  folder.path() / "secret"};
  const std::string refusal = why_not(arguments);
  EXPECT_THAT(refusal, Not(HasSubstr("start the node")));
  const std::string before = "make one: ";
  ASSERT_THAT(refusal, HasSubstr(before));
  ASSERT_EQ(std::system(refusal.substr(refusal.find(before) + before.size()).c_str()), 0) << refusal;
  EXPECT_THAT(why_not(arguments), HasSubstr("port 1 failed")) << "the next thing is wrong";
}

TEST(Secrets, OfAFileThatServeWasToldAreThoseOfTokensAndKeys) {
  const TemporaryFolder folder;
  const std::string file = file_with(folder.path() / "secret", "0f9d1c7be2a84653a7d1e5b2c4f6089d\n");
  const Node node({.arguments = {"--secret-file", file}});
  const std::string config = folder.path() / "node.toml";
  std::ofstream(config) << "secret-file = \"" << file << "\"\n";
  const auto run = [&](std::vector<std::string> command, const std::vector<std::string>& more) {
    command.insert(command.end(), {"--data-dir", node.data_dir()});
    command.insert(command.end(), more.begin(), more.end());
    return run_tenon(command);
  };
  const auto admitted = [&](const std::vector<std::string>& more) {
    const Ended printed = run({"token", "--sub", "ann", "--role", "staff"}, more);
    EXPECT_EQ(printed.exit_code, 0) << printed.errors;
    return node.call({.path = "/api/inventory", .token = printed.output.substr(0, printed.output.find('\n'))}).status;
  };
  EXPECT_EQ(admitted({"--secret-file", file}), 200);
  EXPECT_EQ(admitted({"--config", config}), 200);
  ::setenv("TENON_SECRET_FILE", file.c_str(), 1);
  EXPECT_EQ(admitted({}), 200);
  const std::vector<std::string> add{"keys", "add", "--sub", "ann", "--algorithm", "hmac-sha256"};
  const Ended by_variable = run(add, {"--private-key", folder.path() / "first.key"});
  ::unsetenv("TENON_SECRET_FILE");
  EXPECT_EQ(by_variable.exit_code, 0) << by_variable.errors;
  const Ended by_file = run(add, {"--private-key", folder.path() / "second.key", "--config", config});
  EXPECT_EQ(by_file.exit_code, 0) << by_file.errors;
  EXPECT_THAT(run(add, {"--private-key", folder.path() / "third.key"}).errors, HasSubstr("there is no secret at"));
}

TEST(Secrets, ThatCanBeGuessedAreRefused) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& secret) {
    return why_not({"--data-dir", folder.path() / "d", "--database-url", "postgres://a@127.0.0.1:1/d", "--secret-file",
                    file_with(folder.path() / "secret", secret)});
  };
  for (const std::string& weak :
       {std::string("changeme-changeme-changeme-change"), std::string("your-256-bit-secret-your-256-bit"),
        std::string(64, 'a'), std::string("0123456789abcdef0123456789abcdef"),
        std::string("My-Super-Secret-Password-1234567890"), SigningKey(safeguards::TokenAlgorithm::es256).public_pem(),
        std::string("abcabcabcabcabcabcabcabcabcabcabc")}) {
    EXPECT_THAT(refusal(weak), HasSubstr("can be guessed")) << weak;
    EXPECT_THAT(refusal(weak), HasSubstr("openssl rand -hex 32")) << weak;
  }
  EXPECT_THAT(refusal("short"), HasSubstr("fewer than 32 bytes"));
  EXPECT_THAT(refusal("0f9d1c7be2a84653a7d1e5b2c4f6089d"), HasSubstr("database"))
      << "good, and the next thing is wrong";
}

TEST(Identity, SettingsThatContradictEachOtherAreNamed) {
  const TemporaryFolder folder;
  const std::string p256 =
      file_with(folder.path() / "p256.pem", SigningKey(safeguards::TokenAlgorithm::es256).public_pem());
  const std::string secret_half =
      file_with(folder.path() / "private.pem", SigningKey(safeguards::TokenAlgorithm::es256).private_pem());
  const struct {
    std::vector<std::string> arguments;
    std::string told;
  } checked[] = {
      {{"--token-alg", "HS512"}, "none of HS256"},
      {{"--token-alg", "none"}, "none of HS256"},
      {{"--token-alg", "rs256"}, "none of HS256"},
      {{"--token-alg", "RS256"}, "wants keys"},
      {{"--token-key", p256}, "--token-alg RS256"},
      {{"--token-alg", "ES256", "--token-key", p256, "--token-jwks", "x"}, "one of the two"},
      {{"--token-alg", "ES256,RS256", "--token-key", p256}, "names several"},
      {{"--token-alg", "ES256", "--token-jwks", "http://localhost/keys"}, "https:// alone"},
      {{"--token-alg", "ES256", "--token-jwks", "https://user:word@localhost/"}, "no user or password"},
      {{"--token-alg", "ES256", "--token-jwks", "https:///keys"}, "names no host"},
      {{"--token-alg", "ES256", "--token-jwks", "keys.json", "--token-jwks-ca", p256}, "--token-jwks-ca"},
      {{"--token-role", "boss"}, "NAME=ROLE"},
      {{"--token-role", "boss=emperor"}, "NAME=ROLE"},
      {{"--token-role", "boss=admin,boss=staff"}, "twice"},
      {{"--token-leeway", "86401"}, "leeway"},
      {{"--demo", "--token-alg", "ES256", "--token-key", p256}, "add HS256"},
  };
  for (const auto& [arguments, told] : checked) {
    std::vector<std::string> all{"config", "check"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Ended ended = run_tenon(all);
    EXPECT_NE(ended.exit_code, 0) << told;
    EXPECT_THAT(ended.errors + ended.output, HasSubstr(told));
  }
  const auto started = [&](const std::string& algorithm, const std::string& file) {
    return why_not({"--data-dir", folder.path() / "d", "--token-alg", algorithm, "--token-key", file});
  };
  EXPECT_THAT(started("RS256", p256), HasSubstr("no key for --token-alg RS256"));
  EXPECT_THAT(started("ES256", secret_half), HasSubstr("openssl pkey"));
  EXPECT_THAT(started("ES256", "/nonexistent"), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace tenon::test
