#pragma once

#include <cstddef>

namespace tenon::test {

// How often this thread has called operator new. (Coroutine frames are Asio's own: it keeps and reuses them.)
[[nodiscard]] std::size_t allocations() noexcept;
void count_allocation() noexcept;

}  // namespace tenon::test
