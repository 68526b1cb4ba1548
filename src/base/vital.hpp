// How a loop is spawned that a node cannot do without: accepting, keeping deadlines, writing.
#pragma once

#include <exception>

namespace tenon {

// A completion handler for co_spawn. What ends such a loop by an exception leaves io_context::run() by it, and with it
// the program: one that no longer accepts, or never answers, would be worse than one that is started again.
struct Vital {
  void operator()(const std::exception_ptr& failure) const {
    if (failure) std::rethrow_exception(failure);
  }
};
inline constexpr Vital vital{};

}  // namespace tenon
