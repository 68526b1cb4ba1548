// Replaces operator new of the whole program. Not built into programs that measure nothing.
#include "unit/cost/allocations.hpp"

#include <cstdlib>
#include <new>

namespace tenon::test {
namespace {

thread_local std::size_t made = 0;

}  // namespace

std::size_t allocations() noexcept { return made; }
void count_allocation() noexcept { ++made; }

}  // namespace tenon::test

void* operator new(std::size_t bytes) {
  tenon::test::count_allocation();
  if (void* const memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
