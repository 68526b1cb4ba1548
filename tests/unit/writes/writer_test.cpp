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
  void write(std::uint8_t claim) {
    asio::co_spawn(context_, answered(claim), asio::detached);
    context_.restart();
    context_.poll();
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
  asio::awaitable<void> answered(std::uint8_t claim) {
    Envelope envelope;
    envelope.claim.bytes[0] = claim;
    Call call{.operation = &operation_, .arguments = {}, .affinity = claim};
    const Result<Reply> reply =
        co_await writer_.write(context_, std::move(call), std::move(envelope), Monotonic::max());
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

}  // namespace
}  // namespace tenon::writes
