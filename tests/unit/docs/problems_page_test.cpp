#include <gtest/gtest.h>

#include "base/problem.hpp"
#include "unit/docs/pages.hpp"

namespace tenon::test {
namespace {

TEST(ProblemsPage, ListsEveryRefusalInTheOrderOfPrecedenceAsTheCodeHasIt) {
  std::string on_the_page;
  for (const Row& row : rows_of(page("docs/reference/problems.md"))) {
    ASSERT_EQ(row.size(), 5U) << row.front();
    on_the_page += row[0] + " " + row[1] + " " + row[2] + ", retry: " + row[3] + "\n";
    EXPECT_FALSE(row[4].empty()) << row[0] << " does not say when";
  }
  std::string in_the_code;
  for (std::size_t i = 0; i < problem_code_count; ++i) {
    const ProblemKind& kind = kind_of(static_cast<ProblemCode>(i));
    in_the_code += "`" + std::string(kind.code) + "` " + std::to_string(kind.status) + " " + std::string(kind.title) +
                   ", retry: " + (kind.transient ? "yes" : "no") + "\n";
  }
  EXPECT_EQ(on_the_page, in_the_code);
}

}  // namespace
}  // namespace tenon::test
