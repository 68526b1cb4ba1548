// What the checker says of one item's histories, each a small story.
#include "chaos/linearizability.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace tenon::chaos {
namespace {

using testing::HasSubstr;
using Kind = Operation::Kind;
using Outcome = Operation::Outcome;

constexpr ResourceState ten_chairs{.exists = true, .version = 1, .available = 10};

struct Times {
  std::int64_t from, to = never;
};

Operation sold(Times times, std::int64_t amount, std::int64_t version, std::int64_t available) {
  return {.invoked = times.from,
          .returned = times.to,
          .kind = Kind::sell,
          .amount = amount,
          .outcome = Outcome::done,
          .version = version,
          .available = available,
          .label = "sale"};
}
Operation open_sale(std::int64_t from, std::int64_t amount) {
  return {.invoked = from, .kind = Kind::sell, .amount = amount, .label = "unanswered sale"};
}
Operation seen(Times times, std::int64_t version, std::int64_t available) {
  return {.invoked = times.from,
          .returned = times.to,
          .outcome = Outcome::done,
          .version = version,
          .available = available,
          .label = "read"};
}
Operation edited(Times times, std::int64_t expected, std::int64_t version) {
  return {.invoked = times.from,
          .returned = times.to,
          .kind = Kind::edit,
          .expected = expected,
          .outcome = Outcome::done,
          .version = version,
          .label = "edit"};
}
Operation refused(Times times, Kind kind, Outcome outcome, std::int64_t told, std::int64_t amount = 0,
                  std::optional<std::int64_t> expected = {}) {
  Operation operation{.invoked = times.from,
                      .returned = times.to,
                      .kind = kind,
                      .amount = amount,
                      .expected = expected,
                      .outcome = outcome,
                      .label = "refusal"};
  (outcome == Outcome::conflict ? operation.version : operation.available) = told;
  return operation;
}

bool fits(const std::vector<Operation>& operations, const ResourceState& initial = ten_chairs) {
  const Verdict verdict = check(initial, operations);
  EXPECT_TRUE(verdict.decided);
  EXPECT_EQ(verdict.linearizable, verdict.why.empty()) << verdict.why;
  return verdict.linearizable;
}

TEST(ItemHistory, SalesOneAfterTheOther) {
  EXPECT_TRUE(fits({}));
  EXPECT_TRUE(fits({sold({0, 1}, 2, 2, 8), sold({2, 3}, 3, 3, 5), seen({4, 5}, 3, 5)}));
  EXPECT_TRUE(fits({sold({0, 9}, 2, 3, 5), sold({0, 9}, 3, 2, 7)}));   // at once, in either order
  EXPECT_FALSE(fits({sold({0, 1}, 2, 3, 5), sold({2, 3}, 3, 2, 7)}));  // the later one was first
  EXPECT_FALSE(fits({sold({0, 1}, 2, 2, 7)}));                         // more is gone than was sold
}

TEST(ItemHistory, TwoThatMadeOneVersionAreALostUpdate) {
  const Verdict verdict = check(ten_chairs, std::vector{edited({0, 5}, 1, 2), edited({1, 6}, 1, 2)});
  EXPECT_FALSE(verdict.linearizable);
  EXPECT_THAT(verdict.why, HasSubstr("two made one version"));
}

TEST(ItemHistory, AReadIsNotOlderThanWhatWasAnsweredBefore) {
  EXPECT_FALSE(fits({sold({0, 1}, 2, 2, 8), seen({2, 3}, 1, 10)}));
  EXPECT_TRUE(fits({sold({0, 3}, 2, 2, 8), seen({2, 4}, 1, 10)}));                       // both were under way
  EXPECT_FALSE(fits({sold({0, 9}, 2, 2, 8), seen({1, 2}, 2, 8), seen({3, 4}, 1, 10)}));  // back in time
}

TEST(ItemHistory, AnAnsweredSaleThatIsGoneWasLost) {
  const Verdict verdict = check(ten_chairs, std::vector{sold({0, 1}, 2, 2, 8), seen({5, 6}, 1, 10)});
  EXPECT_FALSE(verdict.linearizable);
  EXPECT_THAT(verdict.why, HasSubstr("no place for read"));
  EXPECT_THAT(verdict.why, HasSubstr("is at version 2 with 8 available, 2 sold"));
}

TEST(ItemHistory, AnUnansweredSaleMayHaveHappenedOnceAtAnyTimeSinceOrNot) {
  EXPECT_TRUE(fits({open_sale(0, 2), seen({1, 2}, 1, 10)}));
  EXPECT_TRUE(fits({open_sale(0, 2), seen({1, 2}, 2, 8)}));
  EXPECT_TRUE(fits({open_sale(0, 2), seen({1, 2}, 1, 10), seen({3, 4}, 2, 8)}));
  EXPECT_FALSE(fits({open_sale(0, 2), seen({1, 2}, 3, 6)}));  // twice
  EXPECT_FALSE(fits({open_sale(3, 2), seen({1, 2}, 2, 8)}));  // before it was asked for
  EXPECT_TRUE(fits({open_sale(0, 2), open_sale(0, 3), sold({1, 2}, 1, 3, 6)}));
  EXPECT_FALSE(fits({open_sale(0, 2), open_sale(0, 3), sold({1, 2}, 1, 3, 8)}));  // one of them, but neither sold 1
}

TEST(ItemHistory, ARefusalTellsWhatStoodThere) {
  EXPECT_TRUE(fits({sold({0, 1}, 8, 2, 2), refused({2, 3}, Kind::sell, Outcome::insufficient, 2, 3)}));
  EXPECT_FALSE(fits({sold({0, 1}, 8, 2, 2), refused({2, 3}, Kind::sell, Outcome::insufficient, 10, 11)}));
  EXPECT_FALSE(fits({refused({2, 3}, Kind::sell, Outcome::insufficient, 10, 3)}));  // there was enough
  EXPECT_TRUE(fits({edited({0, 1}, 1, 2), refused({2, 3}, Kind::edit, Outcome::conflict, 2, 0, 1)}));
  EXPECT_FALSE(fits({edited({0, 1}, 1, 2), refused({2, 3}, Kind::edit, Outcome::conflict, 1, 0, 2)}));
  EXPECT_FALSE(fits({refused({2, 3}, Kind::edit, Outcome::conflict, 1, 0, 1)}));  // it was at that version
}

TEST(ItemHistory, AStaleEditIsNeverDone) {
  EXPECT_TRUE(fits({sold({0, 1}, 1, 2, 9), edited({2, 3}, 2, 3)}));
  EXPECT_FALSE(fits({sold({0, 1}, 1, 2, 9), edited({2, 3}, 1, 3)}));
}

TEST(ItemHistory, CreatedAndRemoved) {
  const Operation created{.invoked = 0,
                          .returned = 1,
                          .kind = Kind::create,
                          .amount = 5,
                          .outcome = Outcome::done,
                          .version = 1,
                          .available = 5};
  const Operation removed{.invoked = 4, .returned = 5, .kind = Kind::remove, .outcome = Outcome::done};
  const auto gone = [](Times times) { return refused(times, Kind::read, Outcome::absent, 0); };
  EXPECT_TRUE(fits({created, sold({2, 3}, 5, 2, 0), removed, gone({6, 7})}, {}));
  EXPECT_FALSE(fits({created, removed, seen({6, 7}, 1, 5)}, {}));
  EXPECT_FALSE(fits({created, gone({2, 3}), removed}, {}));
  EXPECT_TRUE(fits({gone({0, 1}), created, removed}, {}));
}

TEST(ItemHistory, WhatWasNotToldIsNotCompared) {
  Operation line = sold({0, 1}, 2, 0, 8);  // of an order, which tells what is left but no version
  line.version.reset();
  EXPECT_TRUE(fits({line, seen({2, 3}, 2, 8)}));
  line.available = 7;
  EXPECT_FALSE(fits({line, seen({2, 3}, 2, 8)}));
}

// A long run's hot item: every answer tells its version, forty are under way at a time, every hundredth is never
// answered, half of these happened.
TEST(ItemHistory, FiftyThousandOperationsOnOneItemAreCheckedInSeconds) {
  std::vector<Operation> operations;
  ResourceState item{.exists = true, .version = 1, .available = 1'000'000};
  const ResourceState initial = item;
  for (std::int64_t i = 0; i < 50'000; ++i) {
    const Times times{10 * i, 10 * i + 400};
    const std::int64_t amount = 1 + i % 3;
    if (i % 100 == 50) operations.push_back(open_sale(times.from, amount));
    if (i % 200 != 150 && i % 100 == 50) continue;
    item = {true, item.version + 1, item.available - amount, item.sold + amount, 0};
    if (i % 100 != 50) operations.push_back(sold(times, amount, item.version, item.available));
    if (i % 10 == 3) operations.push_back(seen(times, item.version, item.available));
  }
  EXPECT_TRUE(fits(operations, initial));
  operations[40'000].available = *operations[40'000].available + 1;
  EXPECT_FALSE(fits(operations, initial));
}

}  // namespace
}  // namespace tenon::chaos
