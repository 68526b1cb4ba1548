// A value, or the named reason why the caller's input did not lead to one. Broken infrastructure throws instead.
#pragma once

#include <expected>
#include <utility>

#include "base/problem.hpp"

namespace tenon {

template <class T>
class [[nodiscard]] Result : public std::expected<T, Problem> {
 public:
  using std::expected<T, Problem>::expected;
  Result(Problem problem)
      : std::expected<T, Problem>(std::unexpect, std::move(problem)) {}  // NOLINT: implicit on purpose
};

}  // namespace tenon
