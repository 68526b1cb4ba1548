// Random histories: those made from a sequential run always pass, with the order found replayed; with an answer altered
// they are judged as a search without any of the cleverness judges them.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "chaos/linearizability.hpp"

namespace tenon::chaos {
namespace {

using Kind = Operation::Kind;
using Outcome = Operation::Outcome;

constexpr ResourceState initial{.exists = true, .version = 1, .available = 3};

class Histories {
 public:
  explicit Histories(std::uint64_t seed) : random_(seed) {}

  int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }

  // Operations that really took place one after the other, each at a moment within its interval; every
  // `unanswered_one_in`-th has lost its answer, and half of these never happened.
  std::vector<Operation> sequential(int size, int overlap, int unanswered_one_in) {
    std::vector<Operation> operations;
    ResourceState state = initial;
    for (int i = 0; i < size; ++i) {
      const std::int64_t at = 10 * i;
      Operation operation{.invoked = at - below(overlap), .returned = at + below(overlap)};
      operation.kind = std::array{Kind::read, Kind::sell, Kind::sell, Kind::edit, Kind::restock}.at(
          static_cast<std::size_t>(below(5)));
      operation.amount = 1 + below(3);
      operation.value = below(4);
      if (operation.kind != Kind::read && below(3) == 0) operation.expected = state.version - below(2);
      const bool lost = below(unanswered_one_in) == 0;
      if (!lost || below(2) == 0) answer(operation, state);
      if (lost) forget_answer(operation);
      operations.push_back(operation);
    }
    std::ranges::shuffle(operations, random_);
    return operations;
  }

  // One answer is made another one.
  void alter(std::vector<Operation>& operations) {
    Operation& operation = operations.at(static_cast<std::size_t>(below(static_cast<int>(operations.size()))));
    if (operation.outcome == Outcome::unknown) return;
    switch (below(4)) {
      case 0:
        if (operation.version) *operation.version += below(2) == 0 ? 1 : -1;
        break;
      case 1:
        if (operation.available) *operation.available += 1 + below(2);
        break;
      case 2:
        operation.outcome = operation.outcome == Outcome::done ? Outcome::conflict : Outcome::done;
        break;
      default:
        operation.invoked += 30;
        operation.returned += 30;
    }
  }

 private:
  static void answer(Operation& operation, ResourceState& state) {
    const bool stale = operation.expected && *operation.expected != state.version;
    const bool short_of = operation.kind == Kind::sell && state.available < operation.amount;
    operation.outcome = stale ? Outcome::conflict : short_of ? Outcome::insufficient : Outcome::done;
    if (!stale && !short_of && operation.kind != Kind::read) {
      ++state.version;
      if (operation.kind == Kind::edit) state.value = operation.value;
      if (operation.kind == Kind::restock) state.available += operation.amount;
      if (operation.kind == Kind::sell) {
        state.available -= operation.amount;
        state.sold += operation.amount;
      }
    }
    if (!short_of) operation.version = state.version;
    if (!stale) operation.available = state.available;
    if (operation.kind == Kind::read) operation.told_value = state.value;
  }
  static void forget_answer(Operation& operation) {
    operation.outcome = Outcome::unknown;
    operation.returned = never;
    operation.version.reset();
    operation.available.reset();
    operation.told_value.reset();
  }

  std::mt19937_64 random_;
};

// Every order there is, one by one.
class BruteForce {
 public:
  explicit BruteForce(std::span<const Operation> operations) : operations_(operations), model_({}) {
    done_.resize(operations.size());
  }
  bool fits(const ResourceState& state) {
    bool all = true;
    for (std::size_t i = 0; i < done_.size(); ++i) all = all && (done_[i] || operations_[i].returned == never);
    if (all) return true;
    for (std::size_t i = 0; i < done_.size(); ++i) {
      if (done_[i] || !may_be_next(i)) continue;
      const auto after = model_.next(state, operations_[i]);
      if (!after) continue;
      done_[i] = true;
      const bool rest = fits(*after);
      done_[i] = false;
      if (rest) return true;
    }
    return false;
  }

 private:
  [[nodiscard]] bool may_be_next(std::size_t call) const {
    for (std::size_t i = 0; i < done_.size(); ++i) {
      if (!done_[i] && operations_[i].returned < operations_[call].invoked) return false;
    }
    return true;
  }
  std::span<const Operation> operations_;
  ResourceModel model_;  // that knows of no claimed versions
  std::vector<bool> done_;
};

void replay(const std::vector<Operation>& operations, const std::vector<std::size_t>& order) {
  const ResourceModel model({});
  ResourceState state = initial;
  std::vector<bool> done(operations.size());
  for (const std::size_t call : order) {
    for (std::size_t i = 0; i < operations.size(); ++i) {
      ASSERT_TRUE(done[i] || i == call || operations[i].returned >= operations[call].invoked) << "not next";
    }
    const auto after = model.next(state, operations[call]);
    ASSERT_TRUE(after) << "not the answer in that state";
    state = *after;
    done[call] = true;
  }
  for (std::size_t i = 0; i < operations.size(); ++i) ASSERT_TRUE(done[i] || operations[i].returned == never);
}

TEST(RandomHistories, OfASequentialRunAlwaysPassAndTheOrderFoundIsOne) {
  Histories histories(20261122);
  for (int round = 0; round < 300; ++round) {
    const auto operations = histories.sequential(200, 60, 15);
    const auto placement = place(ResourceModel(operations), initial, std::span<const Operation>(operations));
    ASSERT_EQ(placement.result, Placement<ResourceState>::Result::linearizable) << "round " << round;
    replay(operations, placement.order);
  }
}

TEST(RandomHistories, SmallOnesAreJudgedAsByTryingEveryOrder) {
  Histories histories(8);
  int good = 0;
  int bad = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto operations = histories.sequential(2 + histories.below(6), 40, 4);
    if (histories.below(4) != 0) histories.alter(operations);
    const Verdict verdict = check(initial, operations);
    const bool expected = BruteForce(operations).fits(initial);
    ASSERT_TRUE(verdict.decided);
    ASSERT_EQ(verdict.linearizable, expected) << "round " << round << ": " << verdict.why;
    ++(expected ? good : bad);
  }
  EXPECT_GT(good, 4'000);
  EXPECT_GT(bad, 4'000);
}

TEST(RandomHistories, WithOneAnswerAlteredAlmostAlwaysFail) {
  Histories histories(1990);
  int caught = 0;
  constexpr int rounds = 400;
  for (int round = 0; round < rounds; ++round) {
    auto operations = histories.sequential(200, 60, 50);
    const auto altered = std::ranges::find_if(
        operations, [](const Operation& o) { return o.kind == Kind::sell && o.outcome == Outcome::done; });
    ASSERT_NE(altered, operations.end());
    altered->available = *altered->available + 1;
    const Verdict verdict = check(initial, operations);
    ASSERT_TRUE(verdict.decided) << verdict.why;
    caught += verdict.linearizable ? 0 : 1;
  }
  EXPECT_GT(caught, rounds * 95 / 100);
}

}  // namespace
}  // namespace tenon::chaos
