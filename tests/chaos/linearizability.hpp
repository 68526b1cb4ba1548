// Do the answers about one resource - an item with its version and stock - fit some order of the operations, one at a
// time, that agrees with when each began and ended?
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "chaos/search.hpp"

namespace tenon::chaos {

// What a client asked under one key, from the first byte of its first attempt to the first final answer. All times in
// one unit by one clock.
struct Operation {
  std::int64_t invoked = 0;
  std::int64_t returned = never;  // never: no final answer, it may have happened or not

  enum class Kind : std::uint8_t { read, create, edit, sell, restock, remove } kind = Kind::read;
  std::int64_t amount = 0;                    // of sell, restock, and what create brings in
  std::int64_t value = 0;                     // stands for the text that create and edit write
  std::optional<std::int64_t> expected = {};  // the version that it is conditional on

  enum class Outcome : std::uint8_t {
    unknown,       // exactly those that never returned
    done,          // the members below tell the state after it; of a read: the state
    conflict,      // the version was another one: `version`
    insufficient,  // there was less than `amount`: `available`
    absent,        // there was no such resource
  } outcome = Outcome::unknown;
  // What the answer told; what it didn't is not compared.
  std::optional<std::int64_t> version = {}, available = {}, sold = {}, told_value = {};
  std::string label = {};  // names it in a message
};

struct ResourceState {
  bool exists = false;
  std::int64_t version = 0, available = 0, sold = 0, value = 0;
  bool operator==(const ResourceState&) const = default;
};

struct Verdict {
  bool linearizable = false;
  bool decided = true;   // false: gave up after configurations_max
  std::string why = {};  // when not linearizable: which operation found no place, and what stood there
};

// Pure. Near linear in the number of operations as long as answers tell versions.
[[nodiscard]] Verdict check(const ResourceState& initial, std::span<const Operation> operations,
                            std::size_t configurations_max = 2'000'000);

// An item as a Search sees it. No two operations make the same version, so an unanswered one is never given a version
// that an answer claims.
class ResourceModel {
 public:
  using State = ResourceState;
  using Call = Operation;
  explicit ResourceModel(std::span<const Operation> operations);

  [[nodiscard]] std::optional<ResourceState> next(const ResourceState& state, const Operation& operation) const;
  [[nodiscard]] std::uint64_t digest(const ResourceState& state) const;
  [[nodiscard]] bool same_effect(const Operation& a, const Operation& b) const;

 private:
  std::unordered_set<std::int64_t> claimed_;
};

}  // namespace tenon::chaos
