// Verification where nothing can be written: on a standby.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "audit/verifier.hpp"
#include "postgres/cluster.hpp"
#include "postgres/session.hpp"
#include "support/audit_log.hpp"
#include "support/cluster.hpp"

namespace tenon::test {
namespace {

namespace fs = std::filesystem;
using postgres::Session;

// A standby out of a base backup, in the steps that pg_basebackup takes, which would need a login for replication.
class AuditStandby : public testing::Test {
 protected:
  AuditStandby() {
    const std::string primary = shared_cluster().make_database("on_standby");
    shared_cluster().migrate("on_standby");
    made_.emplace(primary);
    made_->append(1'500);
    made_->seal(4);
    std::ofstream(published_) << made_->published();
    key_ = made_->signer().verifier();
    changed_ = made_->keys()[777];
    query(shared_cluster().superuser("postgres"), "DROP DATABASE IF EXISTS bent_on_standby");
    query(shared_cluster().superuser("postgres"), "CREATE DATABASE bent_on_standby TEMPLATE on_standby");
    Session(shared_cluster().superuser("bent_on_standby"))
        .script("SET session_replication_role = replica; UPDATE audit_logs SET actor = 'x' WHERE id = " +
                std::to_string(changed_.id));
    back_up();
    standby_.emplace(postgres::ClusterSettings{.directory = folder_.path() / "standby", .connections_max = 100}, log_);
  }

  void back_up() const {
    const fs::path copy = folder_.path() / "standby" / "data";
    fs::create_directory(copy.parent_path());
    Session session(shared_cluster().superuser());
    const std::string data = session.execute("SHOW data_directory").text(0, 0);
    session.execute("SELECT pg_backup_start('standby', true)");
    run("cp -a " + data + " " + copy.string());
    const std::string label = session.execute("SELECT labelfile FROM pg_backup_stop(false)").text(0, 0);
    run("cp -a " + data + "/pg_wal " + copy.string());  // what came since the copy began
    run("touch " + (copy / "standby.signal").string());
    std::ofstream(copy / "backup_label") << label;
    run("chown --reference=" + copy.string() + " " + (copy / "backup_label").string());
    fs::remove(copy / "postmaster.pid");
  }
  // What the primary has written since: nothing is streamed.
  void send_on() const {
    Session session(shared_cluster().superuser());
    session.execute("SELECT pg_switch_wal()");
    const std::string data = session.execute("SHOW data_directory").text(0, 0);
    run("cp -a " + data + "/pg_wal " + (folder_.path() / "standby" / "data").string());
  }
  static void run(const std::string& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error(command);  // NOLINT(concurrency-mt-unsafe)
  }

  // As the role that reads the log, to one of the two databases.
  [[nodiscard]] std::string auditor(const std::string& database) const {
    std::string conninfo = standby_->edge_conninfo();
    conninfo.replace(conninfo.find("tenon_edge"), 10, "tenon_auditor");
    return conninfo.substr(0, conninfo.rfind('=') + 1) + database;
  }
  audit::Verified verify(const std::string& database, std::optional<audit::VerifiedState> state = {},
                         std::chrono::seconds patience = std::chrono::seconds(60)) const {
    audit::VerifySettings settings{.conninfo = auditor(database),
                                   .key = key_,
                                   .key_from = "--key",
                                   .outside = {published_},
                                   .standby_patience = patience};
    settings.since = std::move(state);
    return audit::verify(settings, [](std::uint64_t, std::uint64_t) {});
  }

  TemporaryFolder folder_;
  Logger log_{"-", LogLevel::error};
  fs::path published_ = folder_.path() / "audit-checkpoints";
  std::optional<HandMadeLog> made_;
  std::optional<audit::NoteVerifier> key_;
  audit::EntryKey changed_;
  std::optional<postgres::Cluster> standby_;
};

TEST_F(AuditStandby, IsVerifiedLikeAPrimary) {
  ASSERT_EQ(query_value(auditor("on_standby"), "SELECT pg_is_in_recovery()"), "t");
  const audit::Verified whole = verify("on_standby");
  EXPECT_TRUE(whole.report.holds()) << whole.report.text();
  EXPECT_EQ(whole.report.entries, 1'500U);
  EXPECT_EQ(whole.report.outside_checkpoints, 4U);
  const audit::Verified again = verify("on_standby", whole.state);
  EXPECT_TRUE(again.report.holds()) << again.report.text();
  EXPECT_EQ(again.report.entries, 0U);

  const audit::Report bent = verify("bent_on_standby").report;
  ASSERT_FALSE(bent.holds());
  EXPECT_EQ(bent.findings.front().id, changed_.id);
}

TEST_F(AuditStandby, ThatIsBehindIsWaitedForAndNotTakenForOneThatWasSetBack) {
  const audit::Verified before = verify("on_standby");
  ASSERT_TRUE(before.state) << before.report.text();
  made_->append(300);
  made_->seal();
  std::ofstream(published_) << made_->published();
  for (const auto& state : {std::optional<audit::VerifiedState>(), before.state}) {
    try {
      const audit::Report report = verify("on_standby", state, std::chrono::seconds(0)).report;
      ADD_FAILURE() << "a verdict on a standby that is behind: " << report.text();
    } catch (const std::runtime_error& behind) {
      EXPECT_THAT(behind.what(), testing::HasSubstr("the standby is behind: its log ends at leaf 1500, while"));
    }
  }
  // What was published is all there; what was verified elsewhere, on the primary, is not.
  std::ofstream(published_) << "";
  audit::VerifiedState further = *before.state;
  further.size = 1'800;
  EXPECT_THROW((void)verify("on_standby", further, std::chrono::seconds(0)), std::runtime_error);

  std::ofstream(published_) << made_->published();
  send_on();
  const audit::Report after = verify("on_standby").report;
  EXPECT_TRUE(after.holds()) << after.text();
  EXPECT_EQ(after.size, 1'800U);
}

}  // namespace
}  // namespace tenon::test
