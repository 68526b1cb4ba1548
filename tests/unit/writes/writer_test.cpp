// Which writes reach a lane: without a database, the lanes are not started and keep what they are given.
#include "writes/writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <vector>

namespace tenon::writes {
namespace {

namespace asio = boost::asio;

class Unobserved final : public LaneObserver {
 public:
  void on_batch(const Operation&, std::size_t, std::chrono::steady_clock::duration) override {}
  void on_retry(std::string_view, std::size_t) override {}
};

class ANode {
 public:
  void write(std::uint8_t claim, Monotonic deadline = Monotonic::max(), bool is_signed = false) {
    asio::co_spawn(context_, answered(claim, deadline, is_signed), asio::detached);
    context_.restart();
    context_.poll();
  }
  // The names of the problems that have been answered by the time that there are so many, or nobody comes any more.
  [[nodiscard]] std::vector<ProblemCode> await_told(std::size_t count) {
    const Monotonic until = monotonic_now() + std::chrono::seconds(20);
    context_.restart();
    while (told_.size() < count && context_.run_one_until(until) > 0) continue;
    return told_;
  }
  [[nodiscard]] std::size_t held_by_lanes() const { return writer_.queued(); }
  // Ends what is under way; the names of the problems that it was answered with, in order.
  [[nodiscard]] std::vector<ProblemCode> end() {
    writer_.stop();
    writer_.start();  // a lane that was stopped refuses what it holds
    context_.restart();
    context_.run();
    return told_;
  }

 private:
  asio::awaitable<void> answered(std::uint8_t claim, Monotonic deadline, bool is_signed) {
    Envelope envelope;
    envelope.claim.bytes[0] = claim;
    if (is_signed) envelope.signature.emplace();
    Call call{.operation = &operation_, .arguments = {}, .affinity = claim};
    const Result<Reply> reply = co_await writer_.write(context_, std::move(call), std::move(envelope), deadline);
    told_.push_back(reply ? ProblemCode::internal_error : reply.error().code);
  }

  asio::io_context context_{1};
  std::array<asio::io_context*, 1> contexts_{&context_};
  Logger log_{"/dev/null", LogLevel::off};
  Unobserved observer_;
  Operation operation_{.name = "sell", .kind = Operation::Kind::write, .statement = "", .columns = {}};
  Writer writer_{contexts_, {.conninfo = ""}, log_, observer_};
  std::vector<ProblemCode> told_;
};

TEST(AWrite, WaitsForTheOneThatRunsItsKeyInsteadOfRunningBesideIt) {
  ANode node;
  node.write(1);
  ASSERT_EQ(node.held_by_lanes(), 1U);
  node.write(1);
  EXPECT_EQ(node.held_by_lanes(), 1U) << "a duplicate went to a lane as well";
  node.write(2);
  EXPECT_EQ(node.held_by_lanes(), 2U) << "another key waits for nobody";
  const std::vector<ProblemCode> told = node.end();
  EXPECT_EQ(std::ranges::count(told, ProblemCode::stopping), 2);
  EXPECT_EQ(std::ranges::count(told, ProblemCode::request_in_progress), 1);
  EXPECT_EQ(told.size(), 3U);
}

TEST(AWrite, WaitsForTheOneThatRunsItsKeyUntilItsOwnDeadlineAtMost) {
  ANode node;
  node.write(1);
  node.write(1, monotonic_now() + std::chrono::milliseconds(20));
  node.write(1, monotonic_now() + std::chrono::milliseconds(20), true);
  node.write(1, monotonic_now() - std::chrono::milliseconds(1));
  EXPECT_EQ(node.await_told(3), (std::vector(3, ProblemCode::request_in_progress)));
  EXPECT_EQ(node.held_by_lanes(), 1U);
  EXPECT_EQ(node.end().back(), ProblemCode::stopping) << "the first one's own answer";
}

}  // namespace
}  // namespace tenon::writes
