#pragma once

#include <cstddef>

namespace tenon::test {

// How often this thread has called operator new. (Coroutine frames are Asio's own: it keeps and reuses them.)
[[nodiscard]] std::size_t allocations() noexcept;
void count_allocation() noexcept;
[[nodiscard]] bool may_allocate() noexcept;

// While it lives, this thread's operator new throws std::bad_alloc from the call on that follows so many.
class ScarceMemory {
 public:
  explicit ScarceMemory(std::size_t allocations) noexcept;
  ~ScarceMemory();
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;
};

}  // namespace tenon::test
