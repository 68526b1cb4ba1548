// Replaces operator new of the whole program. Not built into programs that measure nothing.
#include "unit/cost/allocations.hpp"

#include <cstdlib>
#include <limits>
#include <new>

namespace tenon::test {
namespace {

thread_local std::size_t made = 0;
thread_local std::size_t left = std::numeric_limits<std::size_t>::max();

}  // namespace

std::size_t allocations() noexcept { return made; }
void count_allocation() noexcept { ++made; }
bool may_allocate() noexcept { return left == 0 ? false : (--left, true); }

ScarceMemory::ScarceMemory(std::size_t allocations) noexcept { left = allocations; }
ScarceMemory::~ScarceMemory() { left = std::numeric_limits<std::size_t>::max(); }

}  // namespace tenon::test

void* operator new(std::size_t bytes) {
  tenon::test::count_allocation();
  if (!tenon::test::may_allocate()) throw std::bad_alloc();
  if (void* const memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
