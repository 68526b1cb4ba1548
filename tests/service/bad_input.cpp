#include "service/bad_input.hpp"

#include <gtest/gtest.h>

#include "base/problem.hpp"

namespace tenon::test {

void expect_problem(const RawResponse& answer, int status, const std::string& code) {
  EXPECT_EQ(answer.status, status) << answer.body;
  EXPECT_EQ(code_of(answer), code) << answer.body;
  EXPECT_EQ(at(answer.body, "status"), std::to_string(status));
  EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  EXPECT_TRUE(answer.header("X-Request-Id").has_value());
  const auto known = problem_named(code);
  ASSERT_TRUE(known.has_value()) << code;
  EXPECT_EQ(at(answer.body, "type"), type_of(*known));
  EXPECT_EQ(at(answer.body, "title"), kind_of(*known).title);
  EXPECT_EQ(at(answer.body, "error"), kind_of(*known).sentence);
}

void expect_refusals(const Node& node, const std::vector<BadInput>& rows) {
  const std::string before = traces(node.superuser());
  for (const BadInput& row : rows) {
    SCOPED_TRACE(row.what);
    const RawResponse answer = node.call(row.call);
    expect_problem(answer, row.status, row.code);
    EXPECT_FALSE(answer.header("Idempotency-Status").has_value()) << "a refusal of the request is not stored";
    if (row.status == 422) {
      EXPECT_EQ(at(answer.body, "violations.0.path"), row.path) << answer.body;
    }
    if (row.status == 405) {
      EXPECT_TRUE(answer.header("Allow").has_value());
    }
    if (row.status == 401) {
      EXPECT_TRUE(answer.header("WWW-Authenticate").has_value());
    }
  }
  EXPECT_EQ(traces(node.superuser()), before);
}

}  // namespace tenon::test
