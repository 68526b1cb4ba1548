// A node that is broken at each step of a write, one step at a time: whoever sends the request again, to another node,
// under its key, gets the one answer, and the write happened once.
#include <gtest/gtest.h>

#include <cstdlib>

#include "postgres/session.hpp"
#include "service/inventory.hpp"

namespace tenon::test {
namespace {

constexpr std::chrono::seconds patience{30};

// On `home`'s database, with these failpoints.
class BrokenNode {
 public:
  BrokenNode(Node& home, const std::string& program, const std::string& failpoints) {
    NodeSettings settings = beside(home);
    settings.binary = program;
    settings.arguments.insert(settings.arguments.end(), {"--threads", "2"});
    setenv("TENON_FAILPOINT", failpoints.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): this program has one thread
    node_.emplace(std::move(settings));
    unsetenv("TENON_FAILPOINT");  // NOLINT(concurrency-mt-unsafe)
  }
  Node& node() { return *node_; }

  // Its answer, if there is one.
  std::optional<RawResponse> call(const ApiCall& call) {
    try {
      return node_->call(call, patience);
    } catch (const RawClientError&) {
      return std::nullopt;
    }
  }
  bool killed() { return node_->program().await_end(patience) == -SIGKILL; }
  bool struck() { return node_->program().errors().find(R"("event":"failpoint")") != std::string::npos; }

 private:
  std::optional<Node> node_;
};

Node& home() { return shared_node(); }
Node& guestbook() {
  static Node node({.binary = GUESTBOOK_BINARY});
  return node;
}

class SaleBrokenAt : public testing::TestWithParam<const char*> {};

TEST_P(SaleBrokenAt, KilledThere_TheRetryElsewhereIsTheOneSale) {
  const std::string item = make_item(home(), 10);
  const ApiCall call = sell(home(), item, 3);
  BrokenNode broken(home(), TENON_UNDER_TEST, std::string(GetParam()) + "=kill@1");
  EXPECT_FALSE(broken.call(call));
  EXPECT_TRUE(broken.killed());
  EXPECT_TRUE(broken.struck());
  const RawResponse answer = home().call(call, patience);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(stock_of(home(), item), (Stock{.available = 7, .sold = 3, .entries = 1}));
}

TEST_P(SaleBrokenAt, FailedThere_TheRetryElsewhereIsTheOneSale) {
  const std::string item = make_item(home(), 10);
  const ApiCall call = sell(home(), item, 3);
  BrokenNode broken(home(), TENON_UNDER_TEST, std::string(GetParam()) + "=raise@1");
  const auto failed = broken.call(call);
  EXPECT_TRUE(broken.struck());
  if (failed) {
    EXPECT_NE(failed->status, 200) << failed->body;
  }
  const RawResponse answer = home().call(call, patience);
  EXPECT_EQ(answer.status, 200) << answer.body;
  const auto again = broken.call(call);  // it serves on
  ASSERT_TRUE(again);
  EXPECT_EQ(lasting_part(*again), lasting_part(answer));
  EXPECT_EQ(stock_of(home(), item), (Stock{.available = 7, .sold = 3, .entries = 1}));
}

TEST_P(SaleBrokenAt, StoppedThereAndWokenLater_BothAnswersAreTheOne) {
  const std::string item = make_item(home(), 10);
  const ApiCall call = sell(home(), item, 3);
  BrokenNode broken(home(), TENON_UNDER_TEST, std::string(GetParam()) + "=stop@1");
  RawClient client(broken.node().port(), patience);
  client.send(bytes_of(call));
  while (!broken.struck()) std::this_thread::sleep_for(std::chrono::milliseconds(5));  // ctest's own limit ends it
  const RawResponse answer = home().call(call, patience);
  EXPECT_EQ(answer.status, 200) << answer.body;
  broken.node().program().signal(SIGCONT);
  const RawResponse late = client.read();
  if (late.status == 200) {
    EXPECT_EQ(lasting_part(late), lasting_part(answer));
  }
  EXPECT_EQ(stock_of(home(), item), (Stock{.available = 7, .sold = 3, .entries = 1}));
}

INSTANTIATE_TEST_SUITE_P(EachStep, SaleBrokenAt,
                         testing::Values("before_latch", "latched", "before_statement", "statement_sent", "answer_came",
                                         "before_response"),
                         [](const auto& step) { return std::string(step.param); });

TEST(SaleBrokenInTheLatch, TheFirstOneAndItsDuplicateAreTheOneSale) {
  const std::string item = make_item(home(), 10);
  const ApiCall call = sell(home(), item, 3);
  BrokenNode broken(home(), TENON_UNDER_TEST, "in_latch=kill@1");
  postgres::Session holder(home().superuser());
  holder.script("BEGIN; SELECT FROM inventory WHERE id = '" + item + "' FOR UPDATE");
  RawClient first(broken.node().port(), patience);
  first.send(bytes_of(call));
  ASSERT_TRUE(await_row(home().superuser(),
                        "SELECT FROM pg_stat_activity WHERE usename = 'tenon_edge' AND wait_event_type = 'Lock'"));
  EXPECT_FALSE(broken.call(call));
  EXPECT_TRUE(broken.killed());
  holder.script("ROLLBACK");
  const RawResponse answer = home().call(call, patience);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(stock_of(home(), item), (Stock{.available = 7, .sold = 3, .entries = 1}));
}

class TransactionBrokenAt : public testing::TestWithParam<const char*> {};

// handle_idempotent: counts visits in a table without a unique key, so a second run would show.
TEST_P(TransactionBrokenAt, KilledThere_TheRetryElsewhereIsTheOneVisit) {
  const std::string user = std::string("visitor-") + GetParam();
  const ApiCall call{
      .method = "POST", .path = "/api/visits", .token = guestbook().token(user, ""), .key = fresh_key(), .body = "{}"};
  BrokenNode broken(guestbook(), GUESTBOOK_UNDER_TEST, std::string(GetParam()) + "=kill@1");
  EXPECT_FALSE(broken.call(call));
  EXPECT_TRUE(broken.killed());
  EXPECT_TRUE(broken.struck());
  const RawResponse answer = guestbook().call(call, patience);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, R"({"visits":1})");
  EXPECT_EQ(guestbook().ask("SELECT count FROM visits WHERE author = $1", {user}), "1");
}

INSTANTIATE_TEST_SUITE_P(EachStep, TransactionBrokenAt, testing::Values("executed", "before_commit", "committed"),
                         [](const auto& step) { return std::string(step.param); });

TEST(Switches, OfTheShippedProgramThereAreNone) {
  const std::string item = make_item(home(), 10);
  BrokenNode shipped(home(), TENON_BINARY, "before_latch=kill@1");
  const auto answer = shipped.call(sell(home(), item, 3));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200) << answer->body;
  EXPECT_FALSE(shipped.struck());
}

TEST(Switches, AMalformedFailpointStopsTheStart) {
  std::string told;
  try {
    BrokenNode(home(), TENON_UNDER_TEST, "before_lunch=kill@1");
  } catch (const std::runtime_error& failure) {
    told = failure.what();
  }
  unsetenv("TENON_FAILPOINT");  // NOLINT(concurrency-mt-unsafe)
  EXPECT_TRUE(told.contains("is not a list of STEP=ACTION")) << told;
}

}  // namespace
}  // namespace tenon::test
