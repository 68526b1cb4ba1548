// The search against histories whose verdict others have published, each with its source.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "chaos/search.hpp"

namespace tenon::chaos {
namespace {

struct RegisterCall {
  std::int64_t invoked = 0, returned = never;
  enum class Kind : std::uint8_t { read, write, compare_and_set } kind = Kind::read;
  int argument = 0, to = 0;
  int answer = 0;       // of read
  bool failed = false;  // of compare_and_set
};

constexpr int nil = -1;

struct RegisterModel {
  using State = int;
  using Call = RegisterCall;
  static std::optional<State> next(State state, const Call& call) {
    const bool open = call.returned == never;
    switch (call.kind) {
      case Call::Kind::read:
        return open || call.answer == state ? std::optional(state) : std::nullopt;
      case Call::Kind::write:
        return call.argument;
      case Call::Kind::compare_and_set:
        if (!open && call.failed != (state != call.argument)) return std::nullopt;
        return state == call.argument ? call.to : state;
    }
    return std::nullopt;
  }
  static std::uint64_t digest(State state) { return static_cast<std::uint64_t>(state); }
  static bool same_effect(const Call& a, const Call& b) {
    return a.kind == b.kind && a.argument == b.argument && a.to == b.to;
  }
};

struct QueueCall {
  std::int64_t invoked = 0, returned = never;
  bool enqueues = false;
  char item = 0;
};

struct QueueModel {
  using State = std::string;
  using Call = QueueCall;
  static std::optional<State> next(const State& state, const Call& call) {
    if (call.enqueues) return state + call.item;
    if (state.empty()) return std::nullopt;  // a dequeue waits until there is something
    if (call.returned != never && state.front() != call.item) return std::nullopt;
    return state.substr(1);
  }
  static std::uint64_t digest(const State& state) { return std::hash<std::string>()(state); }
  static bool same_effect(const Call& a, const Call& b) { return a.enqueues == b.enqueues && a.item == b.item; }
};

template <class Model>
std::string verdict(const std::vector<typename Model::Call>& calls, typename Model::State initial = {}) {
  using Result = typename Placement<typename Model::State>::Result;
  const auto placement = place<Model>(Model{}, std::move(initial), calls);
  if (placement.result == Result::linearizable) return "linearizable";
  return placement.result == Result::violated ? "violated" : "undecided";
}

QueueCall enqueue(char item, std::int64_t from, std::int64_t to = never) { return {from, to, true, item}; }
QueueCall dequeue(char item, std::int64_t from, std::int64_t to = never) { return {from, to, false, item}; }
RegisterCall write(int value, std::int64_t from, std::int64_t to = never) {
  return {from, to, RegisterCall::Kind::write, value, 0, 0, false};
}
RegisterCall read(int value, std::int64_t from, std::int64_t to = never) {
  return {from, to, RegisterCall::Kind::read, 0, 0, value, false};
}
RegisterCall cas(int from_value, int to_value, bool ok, std::int64_t from, std::int64_t to = never) {
  return {from, to, RegisterCall::Kind::compare_and_set, from_value, to_value, 0, !ok};
}

// M. Herlihy, J. Wing: "Linearizability: A Correctness Condition for Concurrent Objects", ACM TOPLAS 12(3), 1990, the
// four FIFO queue histories of figure 1: two that the paper accepts and two that it does not.
TEST(HerlihyAndWing, OverlappingEnqueuesMayTakeEffectInEitherOrder) {
  EXPECT_EQ(verdict<QueueModel>(
                {enqueue('x', 0, 3), enqueue('y', 1, 2), dequeue('x', 4, 6), dequeue('y', 5, 8), enqueue('z', 7, 9)}),
            "linearizable");
  EXPECT_EQ(verdict<QueueModel>(
                {enqueue('x', 0, 3), enqueue('y', 1, 2), dequeue('y', 4, 6), dequeue('x', 5, 8), enqueue('z', 7, 9)}),
            "linearizable");
}

TEST(HerlihyAndWing, WhatWasEnqueuedBeforeIsDequeuedBefore) {
  EXPECT_EQ(verdict<QueueModel>({enqueue('x', 0, 1), enqueue('y', 2, 5), dequeue('y', 3, 4)}), "violated");
}

TEST(HerlihyAndWing, AnItemMayBeDequeuedBeforeItsEnqueueReturns) {
  EXPECT_EQ(verdict<QueueModel>({enqueue('x', 0), dequeue('x', 1, 2)}), "linearizable");
  EXPECT_EQ(verdict<QueueModel>({enqueue('x', 0, 3), dequeue('x', 1, 2)}), "linearizable");
}

TEST(HerlihyAndWing, NoItemIsDequeuedTwice) {
  EXPECT_EQ(verdict<QueueModel>({enqueue('x', 0, 2), enqueue('y', 1, 4), dequeue('y', 3, 5), dequeue('y', 6, 7)}),
            "violated");
}

// Porcupine (github.com/anishathalye/porcupine), porcupine_test.go: TestRegisterModel, after MIT's 6.824 quiz 2 of
// 2017, and TestZeroDuration. The register is 0 at first.
TEST(Porcupine, Registers) {
  EXPECT_EQ(verdict<RegisterModel>({write(100, 0, 100), read(100, 25, 75), read(0, 30, 60)}), "linearizable");
  EXPECT_EQ(verdict<RegisterModel>({write(200, 0, 100), read(200, 10, 30), read(0, 40, 90)}), "violated");
  EXPECT_EQ(verdict<RegisterModel>({write(100, 0, 100), read(100, 25, 75), read(0, 30, 30), read(0, 30, 30)}),
            "linearizable");
  EXPECT_EQ(verdict<RegisterModel>({write(200, 0, 100), read(200, 10, 10), read(200, 10, 10), read(0, 40, 90)}),
            "violated");
}

// Knossos (github.com/jepsen-io/knossos), data/cas-register/bad/rethink-fail-minimal.edn: a value that nobody wrote,
// and an innocent read after it, which an earlier checker blamed.
TEST(Knossos, BlamesTheCallThatHasNoPlace) {
  const std::vector<RegisterCall> calls{write(0, 0, 1), read(3, 2, 4), write(4, 3, 5), read(4, 6, 7)};
  EXPECT_EQ(verdict<RegisterModel>(calls, nil), "violated");
  EXPECT_EQ(place<RegisterModel>({}, nil, calls).stuck, 1U);
}

// data/cas-register/good/cas-register-bug.edn: a read that never ends beside everything else.
TEST(Knossos, AReadThatNeverEndsExplainsNothingAndForbidsNothing) {
  EXPECT_EQ(verdict<RegisterModel>(
                {write(2, 0, 1), read(nil, 2), write(4, 3, 4), read(4, 5, 6), write(0, 7, 8), read(0, 9, 10)}, nil),
            "linearizable");
}

// The same rules for compare-and-set as in both of them: a failed one saw another value, an unanswered one may have
// happened at any time since, or never.
TEST(Register, AnUnansweredCallMayHappenLateOrNever) {
  EXPECT_EQ(verdict<RegisterModel>({write(1, 0, 1), write(2, 2), read(1, 3, 4), read(1, 5, 6), read(2, 7, 8)}),
            "linearizable");
  EXPECT_EQ(verdict<RegisterModel>({write(1, 0, 1), write(2, 2), read(1, 3, 4)}), "linearizable");
  EXPECT_EQ(verdict<RegisterModel>({write(1, 0, 1), write(2, 2), read(2, 3, 4), read(1, 5, 6)}), "violated");
  EXPECT_EQ(verdict<RegisterModel>({write(1, 0, 1), read(2, 2, 3), write(2, 4)}), "violated");  // not before it began
}

TEST(Register, AFailedCompareAndSetSawAnotherValue) {
  EXPECT_EQ(verdict<RegisterModel>({write(1, 0, 1), cas(1, 2, true, 2, 5), cas(1, 3, false, 3, 4), read(2, 6, 7)}),
            "linearizable");
  EXPECT_EQ(verdict<RegisterModel>({write(1, 0, 1), cas(1, 2, false, 2, 3), read(1, 4, 5)}), "violated");
  EXPECT_EQ(verdict<RegisterModel>({write(1, 0, 1), cas(1, 2, true, 2, 5), cas(1, 3, true, 3, 4)}), "violated");
  EXPECT_EQ(verdict<RegisterModel>({write(1, 0, 1), cas(1, 2, true, 2), read(1, 3, 4), cas(1, 3, true, 5, 6)}),
            "linearizable");
}

TEST(Search, SaysWhenItGaveUpRatherThanGuess) {
  std::vector<RegisterCall> calls;  // twenty writes at once, and a value that none of them wrote
  for (int i = 0; i < 20; ++i) calls.push_back(write(i + 1, i, 100));
  calls.push_back(read(77, 101, 102));
  using Result = Placement<int>::Result;
  EXPECT_EQ(place<RegisterModel>({}, 0, calls, 1'000).result, Result::undecided);
  calls.back().answer = 20;  // the first order tried
  EXPECT_EQ(place<RegisterModel>({}, 0, calls, 1'000).result, Result::linearizable);
}

TEST(Search, GivesTheOrderThatItFound) {
  const std::vector<RegisterCall> calls{write(1, 0, 10), read(0, 2, 5), read(1, 3, 4)};
  EXPECT_EQ(verdict<RegisterModel>(calls), "linearizable");
  EXPECT_THAT(place<RegisterModel>({}, 0, calls).order, testing::ElementsAre(1, 0, 2));
  EXPECT_THAT(place<RegisterModel>({}, 0, std::vector<RegisterCall>{}).order, testing::IsEmpty());
}

}  // namespace
}  // namespace tenon::chaos
