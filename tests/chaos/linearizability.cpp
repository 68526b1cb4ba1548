#include "chaos/linearizability.hpp"

#include <fmt/format.h>

#include <map>

namespace tenon::chaos {
namespace {

using Kind = Operation::Kind;
using Outcome = Operation::Outcome;

bool agrees(const std::optional<std::int64_t>& told, std::int64_t is) { return !told || *told == is; }

bool tells(const Operation& operation, const ResourceState& state) {
  return agrees(operation.version, state.version) && agrees(operation.available, state.available) &&
         agrees(operation.sold, state.sold) && agrees(operation.told_value, state.value);
}

// What is to be answered instead of doing it.
Outcome refusal(const Operation& operation, const ResourceState& state) {
  if (!state.exists) return Outcome::absent;
  if (operation.expected && *operation.expected != state.version) return Outcome::conflict;
  if (operation.kind == Kind::sell && state.available < operation.amount) return Outcome::insufficient;
  return Outcome::done;
}

bool tells_refusal(const Operation& operation, const ResourceState& state) {
  switch (operation.outcome) {
    case Outcome::conflict:
      return agrees(operation.version, state.version);
    case Outcome::insufficient:
      return agrees(operation.available, state.available);
    default:
      return true;
  }
}

ResourceState after(const Operation& operation, ResourceState state) {
  if (operation.kind == Kind::read) return state;
  if (operation.kind == Kind::remove) return {};
  ++state.version;
  switch (operation.kind) {
    case Kind::create:
      return {.exists = true, .version = 1, .available = operation.amount, .sold = 0, .value = operation.value};
    case Kind::edit:
      state.value = operation.value;
      return state;
    case Kind::sell:
      state.available -= operation.amount;
      state.sold += operation.amount;
      return state;
    default:
      state.available += operation.amount;
      return state;
  }
}

std::string number(const std::optional<std::int64_t>& value) { return value ? fmt::format("{}", *value) : "?"; }

std::string text(const Operation& operation) {
  static constexpr std::array kinds{"read", "create", "edit", "sell", "restock", "remove"};
  static constexpr std::array outcomes{"unanswered", "done", "conflict", "insufficient", "absent"};
  std::string asked = kinds.at(static_cast<std::size_t>(operation.kind));
  if (operation.kind == Kind::sell || operation.kind == Kind::restock) asked += fmt::format(" {}", operation.amount);
  if (operation.expected) asked += fmt::format(" if at version {}", *operation.expected);
  return fmt::format("{} ({}) -> {}, version {}, available {}, sold {}", operation.label, asked,
                     outcomes.at(static_cast<std::size_t>(operation.outcome)), number(operation.version),
                     number(operation.available), number(operation.sold));
}

std::string text(const ResourceState& state) {
  if (!state.exists) return "does not exist";
  return fmt::format("is at version {} with {} available, {} sold", state.version, state.available, state.sold);
}

bool claims_version(const Operation& operation) {
  return operation.kind != Kind::read && operation.kind != Kind::remove && operation.outcome == Outcome::done &&
         operation.version;
}

// The plainest violation, told in its own words: a lost update.
std::optional<std::string> version_made_twice(std::span<const Operation> operations) {
  std::map<std::int64_t, const Operation*> made;
  for (const Operation& operation : operations) {
    if (!claims_version(operation)) continue;
    const auto [other, is_new] = made.emplace(*operation.version, &operation);
    if (!is_new) return fmt::format("two made one version: {}; {}", text(*other->second), text(operation));
  }
  return std::nullopt;
}

}  // namespace

ResourceModel::ResourceModel(std::span<const Operation> operations) {
  for (const Operation& operation : operations) {
    if (claims_version(operation)) claimed_.insert(*operation.version);
  }
}

std::optional<ResourceState> ResourceModel::next(const ResourceState& state, const Operation& operation) const {
  const bool unanswered = operation.outcome == Outcome::unknown;
  if (operation.kind == Kind::create && state.exists) return std::nullopt;
  const Outcome answer = operation.kind == Kind::create ? Outcome::done : refusal(operation, state);
  if (answer != Outcome::done) {
    if (unanswered) return state;
    if (operation.outcome != answer || !tells_refusal(operation, state)) return std::nullopt;
    return state;
  }
  if (!unanswered && operation.outcome != Outcome::done) return std::nullopt;
  const ResourceState result = after(operation, state);
  if (unanswered) return claimed_.contains(result.version) && result != state ? std::nullopt : std::optional(result);
  // Of a resource that is gone nothing is told.
  if (operation.kind != Kind::remove && !tells(operation, result)) return std::nullopt;
  return result;
}

std::uint64_t ResourceModel::digest(const ResourceState& state) const {
  std::uint64_t hash = state.exists ? 1 : 0;
  for (const std::int64_t number : {state.version, state.available, state.sold, state.value}) {
    hash = (hash ^ static_cast<std::uint64_t>(number)) * 0x100000001B3U;
    hash ^= hash >> 32U;
  }
  return hash;
}

bool ResourceModel::same_effect(const Operation& a, const Operation& b) const {
  return a.kind == b.kind && a.amount == b.amount && a.value == b.value && a.expected == b.expected;
}

Verdict check(const ResourceState& initial, std::span<const Operation> operations, std::size_t configurations_max) {
  if (auto twice = version_made_twice(operations)) return {.why = std::move(*twice)};
  const ResourceModel model(operations);
  const auto placement = place(model, initial, operations, configurations_max);
  using Result = Placement<ResourceState>::Result;
  if (placement.result == Result::linearizable) return {.linearizable = true};
  Verdict verdict{.decided = placement.result == Result::violated};
  if (!verdict.decided) verdict.why = "gave up; the furthest it came: ";
  if (placement.stuck) {
    verdict.why += "no place for " + text(operations[*placement.stuck]) + " where it " + text(placement.furthest);
  }
  return verdict;
}

}  // namespace tenon::chaos
