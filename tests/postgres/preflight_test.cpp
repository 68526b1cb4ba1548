// A node serves only on a database that can keep what the node promises.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "postgres/migrations.hpp"
#include "postgres/session.hpp"
#include "support/cluster.hpp"

namespace tenon::postgres {
namespace {

using test::query;
using testing::HasSubstr;

class Preflight : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster_ = std::make_unique<test::TestCluster>(test::Durability::durable);
    cluster_->migrate();
  }
  static void TearDownTestSuite() { cluster_.reset(); }

  std::string checked() { return preflight(cluster_->edge(), embedded_migrations()); }
  // The role's setting holds for every session it begins.
  std::string checked_with(const std::string& role_change, const std::string& undo) {
    Session superuser(cluster_->superuser());
    superuser.script(role_change);
    const std::string sentence = checked();
    superuser.script(undo);
    return sentence;
  }
  std::string checked_with_setting(const std::string& name) {
    query(cluster_->superuser(), "ALTER SYSTEM SET " + name + " = off");
    reload(name, "off");
    const std::string sentence = checked();
    query(cluster_->superuser(), "ALTER SYSTEM RESET " + name);
    reload(name, "on");
    return sentence;
  }
  void reload(const std::string& name, const std::string& expected) {
    query(cluster_->superuser(), "SELECT pg_reload_conf()");
    const Monotonic until = monotonic_now() + std::chrono::seconds(20);
    while (test::query_value(cluster_->superuser(), "SHOW " + name) != expected && monotonic_now() < until) continue;
  }

  static std::unique_ptr<test::TestCluster> cluster_;
};

std::unique_ptr<test::TestCluster> Preflight::cluster_;

TEST_F(Preflight, PassesOnTheEmbeddedClusterAsMadeAndMigrated) { EXPECT_EQ(checked(), ""); }

TEST_F(Preflight, NamesADatabaseThatLacksMigrations) {
  std::vector<Migration> more = embedded_migrations();
  more.push_back({"own", 1, "more", "SELECT 1"});
  EXPECT_THAT(preflight(cluster_->edge(), more), HasSubstr("lacks 1 of "));
  EXPECT_THAT(preflight(cluster_->edge("postgres"), more), HasSubstr("tenon migrate"));
}

TEST_F(Preflight, NamesADatabaseNewerThanTheProgram) {
  const std::vector<Migration> all = embedded_migrations();
  ASSERT_GE(all.size(), 2U);
  EXPECT_THAT(preflight(cluster_->edge(), std::span(all).first(1)), HasSubstr("newer program"));
}

TEST_F(Preflight, NamesAMigrationWithAnotherText) {
  std::vector<Migration> other = embedded_migrations();
  other[0].sql += "--";
  EXPECT_THAT(preflight(cluster_->edge(), other), HasSubstr("another text"));
}

TEST_F(Preflight, RefusesToServeWithoutDurability) {
  EXPECT_THAT(checked_with_setting("fsync"), HasSubstr("fsync is off"));
  EXPECT_THAT(checked_with_setting("full_page_writes"), HasSubstr("full_page_writes is off"));
  EXPECT_THAT(checked_with_setting("synchronous_commit"), HasSubstr("synchronous_commit is off"));
  EXPECT_THAT(checked_with("ALTER ROLE tenon_edge SET synchronous_commit = off",
                           "ALTER ROLE tenon_edge RESET synchronous_commit"),
              HasSubstr("synchronous_commit is off"));
  EXPECT_EQ(checked(), "");
}

TEST_F(Preflight, RefusesToServeWithoutWaitingForTheStandbyThereIs) {
  Session superuser(cluster_->superuser());
  superuser.script("ALTER ROLE tenon_edge SET synchronous_commit = local");
  EXPECT_EQ(checked(), "") << "there is no standby to wait for";
  superuser.script("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");  // from here on a commit would wait
  reload("synchronous_standby_names", "nobody");
  EXPECT_THAT(checked(), HasSubstr("synchronous_commit is local"));
  superuser.script("ALTER SYSTEM RESET synchronous_standby_names");
  reload("synchronous_standby_names", "");
  superuser.script("ALTER ROLE tenon_edge RESET synchronous_commit");
}

TEST_F(Preflight, RefusesALoginThatCouldDoAnything) {
  EXPECT_THAT(preflight(cluster_->superuser(), embedded_migrations()), HasSubstr("superuser"));
  EXPECT_THAT(checked_with("ALTER ROLE tenon_edge BYPASSRLS", "ALTER ROLE tenon_edge NOBYPASSRLS"),
              HasSubstr("row security"));
  EXPECT_THAT(checked_with("ALTER ROLE tenon_edge CREATEROLE", "ALTER ROLE tenon_edge NOCREATEROLE"),
              HasSubstr("make roles"));
  EXPECT_THAT(checked_with("ALTER ROLE tenon_edge REPLICATION", "ALTER ROLE tenon_edge NOREPLICATION"),
              HasSubstr("may replicate"));
  for (const std::string role : {"pg_execute_server_program", "pg_read_server_files", "pg_write_server_files",
                                 "pg_write_all_data", "tenon_teller"}) {
    EXPECT_THAT(checked_with("GRANT " + role + " TO tenon_edge", "REVOKE " + role + " FROM tenon_edge"),
                HasSubstr("server's files or programs, write every table, or become tenon_teller"))
        << role;
  }
  EXPECT_THAT(checked_with("GRANT tenon_owner TO tenon_edge", "REVOKE tenon_owner FROM tenon_edge"),
              HasSubstr("owns tables"));
  EXPECT_THAT(checked_with("CREATE TABLE public.of_edge (n int); ALTER TABLE public.of_edge OWNER TO tenon_edge",
                           "DROP TABLE public.of_edge"),
              HasSubstr("owns tables"));
  EXPECT_EQ(checked(), "");
}

TEST_F(Preflight, SaysWhyTheDatabaseCannotBeReached) {
  EXPECT_THAT(preflight("host=/nowhere user=tenon_edge", embedded_migrations()), HasSubstr("cannot be reached"));
}

}  // namespace
}  // namespace tenon::postgres
