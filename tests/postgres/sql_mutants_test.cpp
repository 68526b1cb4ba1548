// The mutants that are SQL (tests/chaos/mutants) fit the schema that they break: one that no longer does would be no
// control.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "postgres/session.hpp"
#include "support/cluster.hpp"

namespace tenon::test {
namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

int count(const std::string& text, const std::string& part) {
  int times = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

TEST(Mutants, ThatAreSqlChangeTheSchemaThatThereIs) {
  TestCluster& cluster = shared_cluster();
  postgres::Session session(cluster.make_database("broken"));
  cluster.migrate("broken");
  const auto functions = [&session] {
    return session
        .execute("SELECT count(*) FROM pg_proc WHERE pronamespace IN ('tenon'::regnamespace, 'public'::regnamespace)")
        .text(0, 0);
  };
  int expected = std::stoi(functions());
  for (const auto& file : std::filesystem::directory_iterator("tests/chaos/mutants")) {
    const std::string sql = content_of(file.path());
    EXPECT_NO_THROW(session.script(sql)) << file.path();
    // What replaces a function replaces one that is there; one of another signature would leave it in force.
    expected += count(sql, "CREATE FUNCTION");
    EXPECT_EQ(functions(), std::to_string(expected)) << file.path();
  }
}

}  // namespace
}  // namespace tenon::test
