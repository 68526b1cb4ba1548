// The mutants that are SQL (tests/chaos/mutants) fit the schema that they break: one that no longer does would be no
// control.
#include <gtest/gtest.h>

#include <filesystem>

#include "postgres/session.hpp"
#include "support/child_program.hpp"
#include "support/cluster.hpp"

namespace tenon::test {
namespace {

TEST(Mutants, ThatAreSqlChangeTheSchemaThatThereIs) {
  TestCluster& cluster = shared_cluster();
  cluster.make_database("whole");
  cluster.migrate("whole");
  for (const auto& file : std::filesystem::directory_iterator("tests/chaos/mutants")) {
    const std::string name = file.path().stem();
    query(cluster.superuser("postgres"), "CREATE DATABASE " + name + " TEMPLATE whole");
    postgres::Session session(cluster.superuser(name));
    EXPECT_NO_THROW(session.script(content_of(file.path()))) << name;
  }
}

}  // namespace
}  // namespace tenon::test
