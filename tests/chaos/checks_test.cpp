// The checkers see what they are there to see: each is shown a history in which something is wrong.
#include "chaos/checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chaos/report.hpp"
#include "chaos/verdict.hpp"

namespace tenon::chaos {
namespace {

constexpr Moment64 second = 1'000'000'000;

Attempt told(Moment64 sent, Moment64 answered, Answer answer) {
  return {.sent = sent, .answered = answered, .answer = std::move(answer)};
}
Answer done(std::int64_t version, std::int64_t available, std::int64_t sold, std::uint64_t digest = 1) {
  return {.status = 200,
          .is_final = true,
          .digest = digest,
          .version = version,
          .available = available,
          .sold = sold,
          .price = 1};
}

struct Told {
  std::deque<Call> calls = {};
  std::deque<Item> items = {};
  std::vector<FaultRecord> faults = {};

  Told() { items.emplace_back(); }
  [[nodiscard]] std::uint64_t violations(void (*checker)(const Evidence&, Findings&)) {
    Findings findings;
    checker({.calls = calls, .items = items, .faults = faults}, findings);
    return findings.total();
  }
  Call& sale(const std::string& key, std::vector<Attempt> attempts, std::int64_t quantity = 1) {
    return calls.emplace_back(Call{
        .kind = Kind::sell, .user = "clerk", .key = key, .lines = {{0, quantity}}, .attempts = std::move(attempts)});
  }
  void create(std::int64_t received) {
    calls.push_back({.kind = Kind::create,
                     .user = "maker",
                     .key = "make",
                     .lines = {{0, received}},
                     .attempts = {told(0, 1, done(1, received, 0))}});
  }
};

TEST(CheckAnswers, AreGreenWhenEveryAnswerOfAKeyIsTheSame) {
  Told history;
  history.sale("k", {told(1, 2, {.status = 500}), told(3, 4, done(2, 9, 1, 7)), told(5, 6, done(2, 9, 1, 7))});
  EXPECT_EQ(history.violations(check_answers), 0U);
}

TEST(CheckAnswers, AreRedWhenAKeyWasToldTwoThings) {
  Told history;
  history.sale("k", {told(3, 4, done(2, 9, 1, 7)), told(5, 6, done(3, 8, 2, 8))});
  EXPECT_EQ(history.violations(check_answers), 1U);
}

TEST(CheckAnswers, AreRedForAnAnswerThatNobodyShouldGet) {
  Told history;
  history.sale("k", {told(3, 4, {.status = 422, .code = "validation_failed", .text = "{}"})});
  EXPECT_EQ(history.violations(check_answers), 1U);
}

TEST(CheckAnswers, AreRedForAnInternalErrorButWhileTheFileSystemIsReadOnly) {
  Told history;
  history.sale("k", {told(30, 40, {.status = 500, .code = "internal_error", .text = "{}"})});
  history.faults.push_back({.kind = "primary read-only", .fault = {.proof = "seen"}, .begun = 20, .healed = 50});
  EXPECT_EQ(history.violations(check_answers), 1U);
  history.faults.push_back({.kind = "file system read-only", .fault = {.proof = "seen"}, .begun = 20, .healed = 50});
  EXPECT_EQ(history.violations(check_answers), 0U);
}

TEST(CheckLiveness, IsRedForAKeyWithoutAFinalAnswer) {
  Told history;
  history.sale("k", {told(3, 4, {.status = 500})});
  EXPECT_EQ(history.violations(check_liveness), 1U);
  history.calls.front().attempts.push_back(told(5, 6, done(2, 9, 1)));
  EXPECT_EQ(history.violations(check_liveness), 0U);
}

TEST(CheckLiveness, IsRedForAFaultAfterWhichNothingWorked) {
  Told history;
  history.faults.push_back({.kind = "node killed", .fault = {.proof = "seen"}, .begun = 1, .healed = 2});
  EXPECT_EQ(history.violations(check_liveness), 1U);
}

TEST(CheckNodes, AreRedForANodeThatEndedByItself) {
  std::deque<Call> calls;
  std::deque<Item> items;
  std::vector<FaultRecord> faults;
  Evidence evidence{.calls = calls, .items = items, .faults = faults, .node_starts = 3};
  Findings green;
  check_nodes(evidence, green);
  EXPECT_EQ(green.total(), 0U);
  evidence.complaints.push_back("node 1 died of signal 11 by itself");
  Findings red;
  check_nodes(evidence, red);
  EXPECT_EQ(red.total(), 1U);
}

TEST(CheckHistories, AreGreenForSalesThatFitAnOrder) {
  Told history;
  history.create(10);
  history.sale("a", {told(2, 9, done(3, 8, 2))});
  history.sale("b", {told(3, 5, done(2, 9, 1))});
  history.sale("open", {{.sent = 6}});
  EXPECT_EQ(history.violations(check_histories), 0U);
}

TEST(CheckHistories, AreRedForAnUpdateThatWasLost) {
  Told history;
  history.create(10);
  history.sale("a", {told(2, 3, done(2, 9, 1))});
  history.sale("b", {told(4, 5, done(2, 9, 1))});
  EXPECT_EQ(history.violations(check_histories), 1U);
}

TEST(CheckHistories, AreRedForAReadOfThePast) {
  Told history;
  history.create(10);
  history.sale("a", {told(2, 3, done(2, 9, 1))});
  history.calls.push_back({.kind = Kind::read, .lines = {{0, 0}}, .attempts = {told(4, 5, done(1, 10, 0))}});
  EXPECT_EQ(history.violations(check_histories), 1U);
}

TEST(CheckHistories, KnowThatWhatWasDeletedIsGone) {
  Told history;
  history.create(10);
  history.calls.push_back({.kind = Kind::remove,
                           .user = "clerk",
                           .key = "gone",
                           .lines = {{0, 0}},
                           .attempts = {told(2, 3, {.status = 204, .is_final = true})}});
  history.sale("after", {told(4, 5, {.status = 404, .is_final = true, .code = "not_found"})});
  EXPECT_EQ(history.violations(check_histories), 0U);
  history.sale("sold all the same", {told(6, 7, done(2, 9, 1))});
  EXPECT_EQ(history.violations(check_histories), 1U);
}

TEST(CheckHistories, TakePurchasesForSalesOfWhatIsOnTheMarket) {
  Told history;
  history.create(2);
  const auto purchase = [&](const std::string& key, Moment64 at, Answer answer) {
    history.calls.push_back({.kind = Kind::purchase,
                             .user = "clerk",
                             .key = key,
                             .lines = {{0, 2}},
                             .attempts = {told(at, at + 1, std::move(answer))}});
  };
  purchase("all", 2, {.status = 201, .is_final = true, .version = 2});
  purchase("late", 4, {.status = 409, .is_final = true, .code = "not_active"});
  EXPECT_EQ(history.violations(check_histories), 0U);
  purchase("of nothing", 6, {.status = 201, .is_final = true, .version = 3});
  EXPECT_EQ(history.violations(check_histories), 1U);
}

void add_limited(Told& history, int count, Moment64 from) {
  for (int i = 0; i < count; ++i) {
    history.calls.push_back({.kind = Kind::limited,
                             .lines = {{0, 0}},
                             .attempts = {told(from + i, from + i + 1, {.status = 200, .is_final = true})}});
  }
}

TEST(CheckLimits, AreGreenForTheQuotaAndWhatFlowsIn) {
  Told history;
  add_limited(history, 20, 0);
  add_limited(history, 19, 10 * second);
  EXPECT_EQ(history.violations(check_limits), 0U);
}

TEST(CheckLimits, AreRedForABurstBeyondTheQuota) {
  Told history;
  add_limited(history, 22, 0);
  EXPECT_EQ(history.violations(check_limits), 1U);
}

TEST(CheckLimits, AllowWhatIsDocumentedWhenRedisIsLostAndNoMore) {
  Told history;
  history.faults.push_back(
      {.kind = "Redis killed", .domain = Domain::redis, .fault = {.proof = "seen"}, .begun = 5, .healed = 6});
  add_limited(history, 60, 0);
  EXPECT_EQ(history.violations(check_limits), 0U);
  add_limited(history, 3, 100);
  EXPECT_EQ(history.violations(check_limits), 1U);
}

TEST(CheckLimits, AreRedForABurstLongAfterRedisWasBack) {
  Told history;
  history.faults.push_back(
      {.kind = "Redis killed", .domain = Domain::redis, .fault = {.proof = "seen"}, .begun = 5, .healed = second});
  add_limited(history, 60, 10 * second);
  EXPECT_EQ(history.violations(check_limits), 1U);
}

TEST(CheckLimits, AllowNothingForAFaultThatLeavesNodesTheirSightOfRedis) {
  Told history;
  add_limited(history, 60, 0);
  history.faults.push_back(
      {.kind = "Redis killed", .domain = Domain::redis, .fault = {.skipped = "not here"}, .healed = second});
  history.faults.push_back(
      {.kind = "node's clock moved", .domain = Domain::node, .fault = {.proof = "seen"}, .healed = second});
  history.faults.push_back(
      {.kind = "primary killed", .domain = Domain::database, .fault = {.proof = "seen"}, .healed = second});
  EXPECT_EQ(history.violations(check_limits), 1U);
  history.faults.push_back(
      {.kind = "node frozen", .domain = Domain::node, .fault = {.proof = "seen"}, .healed = second});
  EXPECT_EQ(history.violations(check_limits), 0U);
}

TEST(Report, IsVoidWhenAFaultWasNotSeenToStrikeOrTooLittleWasWritten) {
  Report report{.writes_a_second_before = 500};
  report.faults.push_back({.kind = "node killed", .fault = {.proof = "seen"}});
  EXPECT_EQ(report.exit_code(), 0);
  report.writes_a_second_before = 99;
  EXPECT_EQ(report.exit_code(), 3);
  report.writes_a_second_before = 500;
  report.faults.push_back({.kind = "link reset", .fault = {}});
  EXPECT_EQ(report.exit_code(), 3);
  report.faults.back().fault.skipped = "not to be had here";
  EXPECT_EQ(report.exit_code(), 0);
}

TEST(Report, IsVoidWhenNoFaultStruckThoughSomeWereWanted) {
  Report report{.writes_a_second_before = 500};
  EXPECT_EQ(report.exit_code(), 3);
  report.faults.push_back({.kind = "node killed", .fault = {.skipped = "not to be had here"}});
  EXPECT_EQ(report.exit_code(), 3);
  report.faults_wanted = false;
  EXPECT_EQ(report.exit_code(), 0);
}

TEST(Report, IsVoidWhenACheckerHadNothingToCheckOrAKindOfCallNeverSucceeded) {
  Report report{.writes_a_second_before = 500, .faults_wanted = false};
  report.findings.begin("limits", "admitted requests");
  EXPECT_THAT(report.void_because(), testing::ElementsAre("limits had no admitted requests to check"));
  report.findings.checked();
  report.succeeded = {{"sell", 1}, {"remove", 0}};
  EXPECT_THAT(report.void_because(), testing::ElementsAre("no remove succeeded"));
  report.succeeded["remove"] = 1;
  EXPECT_EQ(report.exit_code(), 0);
}

TEST(Report, IsRedForAViolationWhateverElseIsTrue) {
  Report report{.writes_a_second_before = 1};
  report.findings.begin("audited", "changes");
  report.findings.violation("one");
  EXPECT_EQ(report.exit_code(), 1);
  EXPECT_THAT(table_of(report), testing::HasSubstr("VIOLATION audited: one"));
  EXPECT_THAT(json_of(report), testing::HasSubstr(R"("violations":[{"checker":"audited","what":"one"}])"));
}

Report seen_by(std::string_view checker) {
  Report report;
  for (const std::string_view each : {"answers_equal", "linearizable", "liveness"}) {
    report.findings.begin(each, "operations");
    report.findings.checked();
    if (each == checker) report.findings.violation("one");
  }
  return report;
}

TEST(Mutant, IsCaughtByACheckerOfWhatItBreaksAndByNoOther) {
  const Mutant& mutant = *find_mutant("replica_reads");
  EXPECT_EQ(verdict_of(seen_by("linearizable"), mutant).exit_code, 0);
  EXPECT_EQ(verdict_of(seen_by("linearizable"), mutant).told, "mutant replica_reads was caught by linearizable (1)");
  EXPECT_EQ(verdict_of(seen_by("liveness"), mutant).exit_code, 1);
  EXPECT_EQ(verdict_of(seen_by("liveness"), mutant).told, "mutant replica_reads was NOT CAUGHT; besides: liveness (1)");
  EXPECT_EQ(verdict_of(seen_by("none"), mutant).exit_code, 1);
}

TEST(Mutant, CouldNotBeTriedWhereTheClusterBrokeOrItsFaultsWereSkipped) {
  const Mutant& mutant = *find_mutant("replica_reads");
  Report broken = seen_by("liveness");
  broken.broken = "the cluster is not whole\nand its log";
  EXPECT_EQ(verdict_of(broken, mutant).exit_code, 3);
  EXPECT_EQ(verdict_of(broken, mutant).told, "mutant replica_reads could not be tried: the cluster is not whole");
  Report skipped = seen_by("liveness");
  skipped.faults.push_back({.kind = "replay paused", .fault = {.skipped = "not to be had here"}});
  EXPECT_EQ(verdict_of(skipped, mutant).exit_code, 3);
  skipped.faults.push_back({.kind = "replay paused", .fault = {.proof = "seen"}});
  EXPECT_EQ(verdict_of(skipped, mutant).exit_code, 1);
}

}  // namespace
}  // namespace tenon::chaos
