#include "client/retry.hpp"

#include <gtest/gtest.h>

#include "base/problem.hpp"

namespace tenon::client {
namespace {

using namespace std::chrono_literals;

Answered answer(std::uint16_t status, const std::string& code = {}) {
  Answered made{.status = status, .headers = {}, .body = {}};
  if (code.empty()) return made;
  made.headers = {{"content-type", "application/problem+json"}};
  made.body = R"({"type":"/problems/x","code":")" + code + "\"}";
  return made;
}

TEST(Retry, OfAProblemIsAsTheProblemItselfSays) {
  for (std::size_t i = 0; i < problem_code_count; ++i) {
    const ProblemKind& kind = kind_of(static_cast<ProblemCode>(i));
    const bool expected = kind.transient || kind.code == "signature_replayed";
    EXPECT_EQ(may_be_retried(answer(kind.status, std::string(kind.code))), expected) << kind.code;
  }
}

TEST(Retry, OfAnswersThatAreNotOurProblemsGoesByTheirStatus) {
  for (const std::uint16_t status : std::initializer_list<std::uint16_t>{408, 425, 429, 500, 502, 503, 504})
    EXPECT_TRUE(may_be_retried(answer(status)));
  for (const std::uint16_t status : std::initializer_list<std::uint16_t>{200, 201, 204, 304, 400, 401, 403, 404, 405,
                                                                         409, 412, 413, 422, 428, 501, 505}) {
    EXPECT_FALSE(may_be_retried(answer(status))) << status;
  }
  EXPECT_TRUE(may_be_retried(answer(503, "somebody_elses_code")));
  EXPECT_FALSE(may_be_retried(answer(409, "somebody_elses_code")));
  EXPECT_FALSE(may_be_retried(answer(200, "overloaded"))) << "a success is one, whatever it says";
  Answered not_a_problem = answer(409, "overloaded");
  not_a_problem.headers = {{"Content-Type", "application/json"}};
  EXPECT_FALSE(may_be_retried(not_a_problem));
}

TEST(RetryAfter, IsSecondsOrADate) {
  const Instant now = std::chrono::sys_seconds(1'764'652'871s);  // Tue, 02 Dec 2025 05:21:11 GMT
  const auto read = [&](const std::string& value) {
    Answered made{.status = 503, .headers = {{"RETRY-AFTER", value}}, .body = {}};
    return retry_after(made, now);
  };
  EXPECT_EQ(read("0"), 0ms);
  EXPECT_EQ(read("120"), 120s);
  EXPECT_EQ(read("Tue, 02 Dec 2025 05:21:21 GMT"), 10s);
  EXPECT_EQ(read("Tue, 02 Dec 2025 05:21:01 GMT"), 0ms);
  for (const char* value : {"", "-1", "1.5", "soon", "1 2"}) EXPECT_FALSE(read(value)) << value;
  EXPECT_EQ(read("99999999999"), 365 * 24h);
  EXPECT_FALSE(retry_after({}, now));
}

TEST(Pause, DoublesUpToItsMostAndIsSpreadOverItsSecondHalf) {
  const Backoff backoff{.first = 100ms, .most = 1000ms};
  const struct {
    int attempt;
    double random;
    std::chrono::milliseconds pause;
  } rows[] = {{1, 0, 50ms},  {1, 1, 100ms}, {2, 0, 100ms},  {2, 0.5, 150ms}, {3, 0, 200ms},
              {4, 1, 800ms}, {5, 0, 500ms}, {9, 1, 1000ms}, {1000, 0, 500ms}};
  for (const auto& row : rows) EXPECT_EQ(pause_after(row.attempt, backoff, {}, row.random), row.pause) << row.attempt;
}

TEST(Pause, IsNeverLessThanRetryAfterAndNobodyComesBackOnTheDot) {
  const Backoff backoff{.first = 100ms, .most = 1000ms};
  EXPECT_EQ(pause_after(1, backoff, 3s, 0), 3000ms);
  EXPECT_EQ(pause_after(1, backoff, 3s, 0.5), 3050ms);
  EXPECT_EQ(pause_after(9, backoff, 0ms, 0), 500ms);
}

}  // namespace
}  // namespace tenon::client
