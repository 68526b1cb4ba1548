// Is there an order of the calls, one at a time, that explains every answer and puts no call before one that had ended
// when it began? Wing and Gong's search with Lowe's cache of the configurations that were found to lead nowhere.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <unordered_set>
#include <utility>
#include <vector>

namespace tenon::chaos {

// When a call that was never answered returns. It may have happened at any time since it began, or not at all.
inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

// What a model is: copyable `State` with ==, `Call` with `invoked` and `returned` (any unit, one clock), and
//   next(state, call)     the state after the call, or nothing when its answer is not one that it gets in `state`; of
//   an
//                         unanswered call: what it does in `state`, if it does anything
//   digest(state)         a hash
//   same_effect(a, b)     of two unanswered calls: do they do the same to every state? False is always allowed.
template <class State>
struct Placement {
  enum class Result : std::uint8_t { linearizable, violated, undecided } result = Result::undecided;
  std::vector<std::size_t> order;    // of linearizable: the calls in their order; an unanswered one may be missing
  State furthest{};                  // else: the state after the most calls that could be placed,
  std::optional<std::size_t> stuck;  // and the call that none of the orders had a place for next
};

template <class Model>
class Search {
 public:
  using State = typename Model::State;
  using Call = typename Model::Call;
  using Result = Placement<State>;

  // `model` and `calls` outlive it. Gives up, undecided, after `configurations_max` configurations (about 50 bytes
  // each).
  Search(const Model& model, std::span<const Call> calls, std::size_t configurations_max)
      : model_(model), calls_(calls), configurations_max_(configurations_max), placed_flag_(calls.size()) {
    link_by_invocation();
    find_twins();
    for (const Call& call : calls_) left_ += call.returned == never ? 0 : 1;
  }

  // Once.
  Result run(State initial) {
    State state = std::move(initial);
    Result result;
    std::size_t most = 0;
    while (true) {
      settle(state);
      if (left_ == 0) {
        result.result = Result::Result::linearizable;
        result.order.assign(placed_.begin(), placed_.end());
        return result;
      }
      frames_.push_back({state, alternatives(state), 0, placed_.size()});
      if (frames_.back().alternatives.empty() && (!result.stuck || placed_.size() > most)) {
        most = placed_.size();
        result.furthest = state;
        result.stuck = first_to_return();
      }
      if (!advance(state)) {
        result.result = Result::Result::violated;
        return result;
      }
      if (seen_.size() > configurations_max_) return result;
    }
  }

 private:
  using Index = std::uint32_t;
  struct Frame {
    State state;
    std::vector<Index> alternatives;
    std::size_t tried;
    std::size_t placed;  // how many calls were placed when it began
  };
  using Fingerprint = std::pair<std::uint64_t, std::uint64_t>;
  struct FingerprintHash {
    std::size_t operator()(const Fingerprint& f) const noexcept { return f.first; }
  };

  static std::uint64_t mix(std::uint64_t x) {  // splitmix64's finaliser
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31U);
  }
  static Fingerprint fingerprint(Index call) {
    return {mix(2 * std::uint64_t{call}), mix(2 * std::uint64_t{call} + 1)};
  }

  [[nodiscard]] Index head() const { return static_cast<Index>(calls_.size()); }
  [[nodiscard]] bool answered(Index call) const { return calls_[call].returned != never; }

  void link_by_invocation() {
    std::vector<Index> order(calls_.size());
    for (Index i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, {}, [this](Index i) { return calls_[i].invoked; });
    next_.resize(calls_.size() + 1);
    previous_.resize(calls_.size() + 1);
    Index last = head();
    for (const Index call : order) {
      next_[last] = call;
      previous_[call] = last;
      last = call;
    }
    next_[last] = head();
    previous_[head()] = last;
  }

  // Unanswered calls of one effect stand in for each other: only the earliest that is left is ever tried.
  void find_twins() {
    twin_.assign(calls_.size(), head());
    std::vector<Index> latest;  // of each effect
    for (Index call = next_[head()]; call != head(); call = next_[call]) {
      if (answered(call)) continue;
      const auto same =
          std::ranges::find_if(latest, [&](Index other) { return model_.same_effect(calls_[other], calls_[call]); });
      if (same == latest.end()) {
        latest.push_back(call);
      } else {
        twin_[call] = std::exchange(*same, call);
      }
    }
  }

  // Calls `visit` with each call that may come next: those that no call which is left had ended before.
  template <class Visit>
  void each_minimal(Visit visit) const {
    std::int64_t first_return = never;
    for (Index call = next_[head()]; call != head(); call = next_[call]) {
      if (calls_[call].invoked > first_return) return;
      first_return = std::min(first_return, calls_[call].returned);
      visit(call);
    }
  }

  [[nodiscard]] std::optional<std::size_t> first_to_return() const {
    std::optional<std::size_t> first;
    each_minimal([&](Index call) {
      if (answered(call) && (!first || calls_[call].returned < calls_[*first].returned)) first = call;
    });
    return first;
  }

  // An answer that is right now and changes nothing may as well be given now: whatever comes after finds the same
  // state.
  void settle(const State& state) {
    std::vector<Index> idle;
    do {
      idle.clear();
      each_minimal([&](Index call) {
        if (!answered(call)) return;
        if (const auto after = model_.next(state, calls_[call]); after && *after == state) idle.push_back(call);
      });
      for (const Index call : idle) place(call);
    } while (!idle.empty());
  }

  // Answered ones first: an unanswered one is needed only where they leave a gap.
  [[nodiscard]] std::vector<Index> alternatives(const State& state) const {
    std::vector<Index> first;
    std::vector<Index> unanswered;
    each_minimal([&](Index call) {
      if (!answered(call) && twin_[call] != head() && !placed_flag_[twin_[call]]) return;
      const auto after = model_.next(state, calls_[call]);
      if (!after || *after == state) return;
      (answered(call) ? first : unanswered).push_back(call);
    });
    first.insert(first.end(), unanswered.begin(), unanswered.end());
    return first;
  }

  // To the next configuration that has not been seen, going back as far as it takes. False: there is none.
  bool advance(State& state) {
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      while (placed_.size() > frame.placed) take_back();
      while (frame.tried < frame.alternatives.size()) {
        const Index call = frame.alternatives[frame.tried++];
        State after = model_.next(frame.state, calls_[call]).value();
        place(call);
        const std::uint64_t digest = model_.digest(after);
        if (seen_.insert({set_.first ^ mix(digest), set_.second ^ mix(~digest)}).second) {
          state = std::move(after);
          return true;
        }
        take_back();
      }
      frames_.pop_back();
    }
    return false;
  }

  void place(Index call) {
    next_[previous_[call]] = next_[call];
    previous_[next_[call]] = previous_[call];
    note(call, true);
    placed_.push_back(call);
  }
  void take_back() {
    const Index call = placed_.back();
    placed_.pop_back();
    next_[previous_[call]] = call;
    previous_[next_[call]] = call;
    note(call, false);
  }
  void note(Index call, bool is_placed) {
    const Fingerprint own = fingerprint(call);
    set_ = {set_.first ^ own.first, set_.second ^ own.second};
    placed_flag_[call] = is_placed;
    if (answered(call)) left_ += is_placed ? std::size_t(-1) : 1;
  }

  const Model& model_;
  std::span<const Call> calls_;
  std::size_t configurations_max_;
  std::vector<Index> next_, previous_;  // the calls left, by invocation; the head stands at calls_.size()
  std::vector<Index> twin_;             // the unanswered one before it with the same effect; the head: none
  std::vector<bool> placed_flag_;
  std::vector<Index> placed_;
  std::size_t left_ = 0;  // answered calls that are still to be placed
  Fingerprint set_{};     // of the set of calls placed
  std::vector<Frame> frames_;
  std::unordered_set<Fingerprint, FingerprintHash> seen_;  // 128 bits stand for set and state
};

template <class Model>
Placement<typename Model::State> place(const Model& model, typename Model::State initial,
                                       std::span<const typename Model::Call> calls,
                                       std::size_t configurations_max = 2'000'000) {
  return Search<Model>(model, calls, configurations_max).run(std::move(initial));
}

}  // namespace tenon::chaos
