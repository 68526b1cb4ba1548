// A running node seals its audit log by itself, and whoever has the public key can check it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "service/inventory.hpp"
#include "support/node.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Until it is so, for up to half a minute.
bool await(const std::function<bool()>& so) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!so()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

RawResponse as_auditor(const Node& node, const std::string& path) {
  return node.call({.path = path, .token = node.token("eve", "auditor")});
}

// The id of the entry of a sale.
std::string sold(const Node& node, const std::string& item, const std::string& key) {
  const RawResponse answer = node.call(sell(node, item, 1, key));
  EXPECT_EQ(answer.status, 200) << answer.body;
  return std::string(answer.header("Audit-Id").value_or("0"));
}

// The proof of that entry, once it is sealed; what was said instead when it was not in time.
RawResponse proof_of(const Node& node, const std::string& entry) {
  RawResponse answer;
  (void)await([&] {
    answer = as_auditor(node, "/api/audit-logs/" + entry + "/proof");
    return answer.status != 409;
  });
  return answer;
}

Ended verify(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"audit", "verify"});
  return run_tenon(std::move(arguments));
}

TestCluster& durable_cluster() {
  static TestCluster cluster(Durability::durable);
  return cluster;
}

// A database of its own for several nodes, where each has a data directory and all have one key.
struct ManyNodes {
  TemporaryFolder folder;
  TestCluster& database = durable_cluster();
  std::string superuser = database.make_database("sealed");

  NodeSettings settings(const std::string& name, const std::filesystem::path& like = {}) {
    const std::filesystem::path data_dir = folder.path() / name;
    std::filesystem::create_directory(data_dir);
    for (const char* file : {"secret", "audit-key"}) {
      if (!like.empty()) std::filesystem::copy_file(like / file, data_dir / file);
    }
    return {.arguments = {"--migrate-url", superuser, "--sealer-url", database.sealer("sealed"), "--threads", "1"},
            .data_dir = data_dir,
            .database_url = database.edge("sealed")};
  }
};

TEST(Sealing, IsDoneByANodeByItselfAndCheckedByAnybodyWithTheKey) {
  Node node;
  const std::string item = make_item(node, 50, "Sealed");
  const std::string entry = sold(node, item, "to-be-sealed");
  const RawResponse proof = proof_of(node, entry);
  ASSERT_EQ(proof.status, 200) << proof.body << node.log();

  const std::string key = as_auditor(node, "/api/audit-logs/key").body;
  EXPECT_THAT(node.program().output(), HasSubstr("tenon: the audit log's public key is " + key));
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "proof") << proof.body;
  std::ofstream(folder.path() / "key") << key;
  const Ended checked = run_tenon({"audit", "check", folder.path() / "proof", "--key", folder.path() / "key"});
  EXPECT_EQ(checked.exit_code, 0) << checked.errors;
  EXPECT_THAT(checked.output, HasSubstr("\"id\":\"" + entry + "\""));
  EXPECT_THAT(checked.output, HasSubstr("\"idempotency_key\":\"to-be-sealed\""));

  const Ended verified = verify({"--data-dir", node.data_dir()});
  EXPECT_EQ(verified.exit_code, 0) << verified.output << verified.errors;
  EXPECT_THAT(verified.output, StartsWith("verified: "));
  EXPECT_THAT(node.call({.path = "/metrics"}).body, HasSubstr("\ntenon_audit_sealing 1\n"));
  EXPECT_EQ(std::filesystem::status(node.data_dir() / "audit-key").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);

  EXPECT_EQ(node.stop(), 0);
  EXPECT_THAT(node.log(), testing::Not(HasSubstr("sealing_failed")));
  EXPECT_THAT(node.log(), testing::Not(HasSubstr("not_published")));
  // What a stopped node left behind is verified as well.
  EXPECT_EQ(verify({"--data-dir", node.data_dir()}).exit_code, 0);
}

TEST(Sealing, GoesToAnotherNodeWhenTheOneIsKilledAndNothingIsLost) {
  ManyNodes nodes;
  Node first(nodes.settings("first"));
  Node second(nodes.settings("second", first.data_dir()));
  const auto seals = [](const Node& node) {
    return node.call({.path = "/metrics"}).body.find("\ntenon_audit_sealing 1\n") != std::string::npos;
  };
  ASSERT_TRUE(await([&] { return seals(first) || seals(second); }));
  EXPECT_NE(seals(first), seals(second)) << "one at a time";
  Node& one = seals(first) ? first : second;
  Node& other = &one == &first ? second : first;

  const std::string item = make_item(one, 1'000, "Sealed");
  ASSERT_EQ(proof_of(other, sold(one, item, "before")).status, 200);
  const std::string last = sold(other, item, "unsealed-perhaps");
  std::string key = as_auditor(other, "/api/audit-logs/key").body;
  key.pop_back();
  one.program().signal(SIGKILL);
  ASSERT_TRUE(await([&] { return seals(other); })) << other.log();
  ASSERT_EQ(proof_of(other, last).status, 200) << other.log();
  ASSERT_EQ(proof_of(other, sold(other, item, "after")).status, 200) << other.log();
  EXPECT_EQ(other.stop(), 0);
  const Ended verified =
      verify({"--database-url", nodes.database.edge("sealed"), "--key", key, "--checkpoints",
              first.data_dir() / "audit-checkpoints", "--checkpoints", second.data_dir() / "audit-checkpoints"});
  EXPECT_EQ(verified.exit_code, 0) << verified.output << verified.errors;
  EXPECT_THAT(verified.output, HasSubstr(query_value(nodes.superuser, "SELECT count(*) FROM audit_logs") + " leaves"));
}

TEST(Sealing, WithAnotherKeyThanTheLogsEndsTheStart) {
  ManyNodes nodes;
  {
    Node first(nodes.settings("first"));
    const std::string item = make_item(first, 10, "Sealed");
    ASSERT_EQ(proof_of(first, sold(first, item, "one")).status, 200);
  }
  NodeSettings stranger = nodes.settings("stranger");
  stranger.awaited = false;
  Node second(std::move(stranger));
  EXPECT_EQ(second.program().await_end(std::chrono::seconds(60)), 1);
  EXPECT_THAT(second.program().errors(), HasSubstr("give it the audit-key of the node that sealed first"));
}

TEST(Sealing, OffLeavesTheLogToOthers) {
  Node node({.arguments = {"--sealer", "off"}});
  const std::string item = make_item(node, 50, "Unsealed");
  const std::string entry = sold(node, item, "not-sealed");
  EXPECT_EQ(as_auditor(node, "/api/audit-logs/" + entry + "/proof").status, 409);
  EXPECT_FALSE(std::filesystem::exists(node.data_dir() / "audit-key"));
  EXPECT_EQ(node.ask("SELECT count(*) FROM pg_stat_activity WHERE usename = 'tenon_sealer'"), "0");
  EXPECT_EQ(node.stop(), 0);
  EXPECT_THAT(node.log(), HasSubstr("--sealer off"));
}

struct BadSettings {
  const char* what;
  std::vector<std::string> arguments;
  const char* said;
};

TEST(AuditCommand, TakesTheFlagThenTheFileThenTheVariable) {
  const Node node;
  const TemporaryFolder folder;
  const std::string database = folder.path() / "database.toml";
  std::ofstream(database) << "database-url = \"" << node.edge() << "\"\n";
  const std::string data = folder.path() / "data.toml";
  std::ofstream(data) << "data-dir = \"" << node.data_dir().string() << "\"\n";
  ASSERT_TRUE(await([&] { return std::filesystem::exists(node.data_dir() / "audit-key"); }));
  const auto size = [](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"audit", "consistency", "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_tenon(arguments).errors;
  };
  const std::string no_database = "port 1 failed";
  ::setenv("TENON_DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing", 1);
  EXPECT_THAT(size({}), HasSubstr(no_database));
  EXPECT_THAT(size({"--data-dir", node.data_dir()}), Not(HasSubstr(no_database)));
  EXPECT_THAT(size({"--database-url", node.edge()}), Not(HasSubstr(no_database)));
  EXPECT_THAT(size({"--config", database}), Not(HasSubstr(no_database)));
  ::setenv("TENON_CONFIG", database.c_str(), 1);
  EXPECT_THAT(size({}), Not(HasSubstr(no_database)));
  ::unsetenv("TENON_CONFIG");
  ::unsetenv("TENON_DATABASE_URL");
  const Ended of_file = run_tenon({"audit", "key", "--config", data});
  EXPECT_EQ(of_file.exit_code, 0) << of_file.errors;
  EXPECT_EQ(of_file.output, run_tenon({"audit", "key", "--data-dir", node.data_dir()}).output);
}

TEST(Sealing, SettingsThatCannotBeMeantEndTheStart) {
  const BadSettings table[] = {
      {"a place without TLS", {"--checkpoint-to", "http://log.example/"}, "https://HOST/PATH"},
      {"a place with a password", {"--checkpoint-to", "https://u:p@log.example/"}, "without user"},
      {"a login of its own for the embedded database", {"--sealer-url", "host=x"}, "goes with --database-url"},
      {"neither on nor off", {"--sealer", "perhaps"}, "--sealer"},
  };
  for (const BadSettings& row : table) {
    std::vector<std::string> arguments{"config", "check"};
    arguments.insert(arguments.end(), row.arguments.begin(), row.arguments.end());
    const Ended ended = run_tenon(arguments);
    EXPECT_NE(ended.exit_code, 0) << row.what;
    EXPECT_THAT(ended.errors, HasSubstr(row.said)) << row.what;
  }
}

}  // namespace
}  // namespace tenon::test
