// sql/schema.sql is what the migrations make. Run in the project's folder.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>

#include "postgres/sql_database.hpp"

namespace tenon::test {
namespace {

using SqlSchema = SqlTest;

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string output;
  for (int character = 0; pipe && (character = std::fgetc(pipe.get())) != EOF;) output += static_cast<char>(character);
  return output;
}

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char character : text) quoted += character == '\'' ? "'\\''" : std::string(1, character);
  return quoted + "'";
}

TEST_F(SqlSchema, IsTheOneInTheRepository) {
  const std::string made = output_of("tools/dump-schema --of " + shell_quoted(superuser_conninfo_));
  ASSERT_GT(made.size(), 10'000U) << "tools/dump-schema failed";
  std::ifstream file("sql/schema.sql");
  const std::string kept{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(made == kept)
      << "the migrations have changed: run tools/dump-schema, read what `git diff sql/schema.sql` says, "
         "and commit it with them";
}

// The embedded server has jit off for all; one of somebody else's has PostgreSQL's default, and plans pinned to indexes
// look so dear that each connection would compile them: seconds for its first write of a kind.
TEST_F(SqlSchema, HasNoPlanOfANodeCompiled) {
  EXPECT_EQ(value(superuser_, "SELECT 'jit=off' = ANY (rolconfig) FROM pg_roles WHERE rolname = 'tenon_edge'"), "t");
}

}  // namespace
}  // namespace tenon::test
