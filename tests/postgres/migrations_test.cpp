// Twenty nodes, a failing statement, an older program: the schema is whole and known in every case.
#include "postgres/migrations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "postgres/session.hpp"
#include "support/cluster.hpp"

namespace tenon::postgres {
namespace {

using test::query;
using test::query_value;
using test::shared_cluster;
using testing::AllOf;
using testing::HasSubstr;

const std::vector<Migration> small{
    {"small", 1, "first", "CREATE TABLE first (n int); INSERT INTO first VALUES (1)"},
    {"small", 2, "second", "CREATE TABLE second (n int)"},
};

std::vector<Migration> with(std::vector<Migration> migrations, Migration more) {
  migrations.push_back(std::move(more));
  return migrations;
}

class Migrations : public testing::Test {
 protected:
  MigrationReport migrate_all(std::span<const Migration> migrations) {
    return migrate(database_, migrations, shared_cluster().log());
  }
  std::string refusal_of(std::span<const Migration> migrations) {
    try {
      migrate_all(migrations);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }
  std::string value(const std::string& sql) { return query_value(database_, sql); }

  std::string database_ = shared_cluster().make_database("migrated");
};

TEST_F(Migrations, AreAppliedOnceAndNotedWithTheirChecksum) {
  const MigrationReport first = migrate_all(small);
  EXPECT_EQ(first.applied, 2);
  EXPECT_EQ(first.known, 2);
  const MigrationReport second = migrate_all(small);
  EXPECT_EQ(second.applied, 0);
  EXPECT_EQ(second.known, 2);
  EXPECT_EQ(value("SELECT string_agg(set || number || name, ',' ORDER BY number) FROM tenon.migrations"),
            "small1first,small2second");
  EXPECT_EQ(value("SELECT checksum = encode(sha256(convert_to('CREATE TABLE second (n int)', 'UTF8')), 'hex') "
                  "FROM tenon.migrations WHERE number = 2"),
            "t");
}

TEST_F(Migrations, OnlyWhatIsMissingIsApplied) {
  migrate_all(std::span(small).first(1));
  EXPECT_EQ(migrate_all(small).applied, 1);
  EXPECT_EQ(value("SELECT count(*) FROM first"), "1");
}

TEST_F(Migrations, OfTwentyNodesAtOnceLeaveOneOfEach) {
  std::atomic<int> applied = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> nodes;
  for (int i = 0; i < 20; ++i) {
    nodes.emplace_back([&] {
      try {
        applied += migrate_all(small).applied;
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
        ++failed;
      }
    });
  }
  for (std::thread& node : nodes) node.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(applied, 2);
  EXPECT_EQ(value("SELECT count(*) FROM first"), "1");
  EXPECT_EQ(value("SELECT count(*) FROM tenon.migrations"), "2");
}

TEST_F(Migrations, EmbeddedOnesOfTwentyNodesAtOnceLeaveOneOfEach) {
  const std::vector<Migration> embedded = embedded_migrations();
  ASSERT_FALSE(embedded.empty());
  std::atomic<std::size_t> applied = 0;
  std::vector<std::thread> nodes;
  for (int i = 0; i < 20; ++i) {
    nodes.emplace_back([&] {
      try {
        applied += static_cast<std::size_t>(migrate_all(embedded).applied);
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
    });
  }
  for (std::thread& node : nodes) node.join();
  EXPECT_EQ(applied, embedded.size());
  EXPECT_EQ(value("SELECT count(*) FROM tenon.migrations WHERE set = 'tenon'"), std::to_string(embedded.size()));
}

// The conninfo, once the server takes it.
std::string may_log_in(const test::TestCluster& cluster, const std::string& role, const std::string& database) {
  const std::string superuser = cluster.superuser(database);
  std::ofstream(query_value(superuser, "SHOW hba_file"), std::ios::app) << "local all " << role << " trust\n";
  query(superuser, "SELECT pg_reload_conf()");
  const std::string conninfo = superuser + " user=" + role;
  const Monotonic until = monotonic_now() + std::chrono::seconds(20);
  while (monotonic_now() < until) {
    try {
      const Session session(conninfo);
      break;
    } catch (const ConnectionError&) {
      continue;
    }
  }
  return conninfo;
}

// As a login that owns the database and may make roles; nothing else is asked of it.
TEST(EmbeddedMigrations, AreAppliedByALoginThatIsNoSuperuser) {
  test::TestCluster cluster(test::Durability::durable);
  query(cluster.superuser("postgres"), "CREATE ROLE maker LOGIN CREATEROLE");
  query(cluster.superuser("postgres"), "CREATE DATABASE made OWNER maker");
  const std::string maker = may_log_in(cluster, "maker", "made");
  ASSERT_EQ(query_value(maker, "SELECT session_user"), "maker");
  migrate(maker, embedded_migrations(), cluster.log());
  EXPECT_EQ(preflight(cluster.edge("made"), embedded_migrations()), "");
}

TEST_F(Migrations, WithAnotherTextThanWhatWasAppliedAreRefused) {
  migrate_all(small);
  std::vector<Migration> changed = small;
  changed[0].sql += " ";
  EXPECT_THAT(refusal_of(with(changed, {"small", 3, "third", "CREATE TABLE third (n int)"})),
              AllOf(HasSubstr("small 1 (first)"), HasSubstr("another text")));
  EXPECT_EQ(value("SELECT to_regclass('third')"), "") << "nothing is applied on top of what is not known";
}

TEST_F(Migrations, OfAnOlderProgramAreRefused) {
  migrate_all(small);
  EXPECT_THAT(refusal_of(std::span(small).first(1)), HasSubstr("a newer program"));
}

TEST_F(Migrations, OfAnotherSetAreNoneOfOurBusiness) {
  migrate_all(small);
  EXPECT_EQ(migrate_all(std::vector<Migration>{{"other", 1, "own", "CREATE TABLE own (n int)"}}).applied, 1);
}

TEST_F(Migrations, ThatFailLeaveNothingOfThemselves) {
  const auto failing = with(small, {"small", 3, "third", "CREATE TABLE third (n int); SELECT 1 / 0"});
  EXPECT_THAT(refusal_of(failing), AllOf(HasSubstr("small 3 (third)"), HasSubstr("division by zero")));
  EXPECT_EQ(value("SELECT to_regclass('third')"), "");
  EXPECT_EQ(value("SELECT count(*) FROM tenon.migrations"), "2") << "those before it stay";
  EXPECT_EQ(migrate_all(with(small, {"small", 3, "third", "CREATE TABLE third (n int)"})).applied, 1);
}

TEST_F(Migrations, ThatEndTheirTransactionAreRefused) {
  for (const char* sly : {"SELECT 1; COMMIT", "SELECT 1; COMMIT; BEGIN"}) {
    EXPECT_THAT(refusal_of(std::vector<Migration>{{"small", 1, "sly", sly}}), HasSubstr("ended the transaction"))
        << sly;
    EXPECT_EQ(value("SELECT count(*) FROM tenon.migrations"), "0");
  }
}

TEST_F(Migrations, WithAGapAreAMistakeOfTheProgram) {
  const std::vector<Migration> gap{{"small", 1, "first", "SELECT 1"}, {"small", 3, "third", "SELECT 1"}};
  EXPECT_THROW(migrate_all(gap), std::logic_error);
}

TEST_F(Migrations, RunAsTheOwnerOnceThereIsOne) {
  const std::vector<Migration> embedded = embedded_migrations();
  migrate_all(embedded);
  EXPECT_EQ(value("SELECT tableowner FROM pg_tables WHERE schemaname = 'tenon' AND tablename = 'migrations'"),
            "tenon_owner");
  migrate_all(with(embedded, {"own", 1, "table", "CREATE TABLE public.of_an_embedder (n int)"}));
  EXPECT_EQ(value("SELECT tableowner FROM pg_tables WHERE tablename = 'of_an_embedder'"), "tenon_owner");
  EXPECT_EQ(value("SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') "
                  "AND tableowner <> 'tenon_owner'"),
            "0");
}

TEST_F(Migrations, GiveUpTheLockWhenTheyFail) {
  EXPECT_NE(refusal_of(std::vector<Migration>{{"small", 1, "bad", "SELECT nonsense"}}), "");
  EXPECT_EQ(migrate_all(small).applied, 2);
}

}  // namespace
}  // namespace tenon::postgres
