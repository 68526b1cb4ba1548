#include "base/zeroed_pages.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <span>
#include <vector>

namespace tenon {
namespace {

constexpr std::size_t page = 4'096;

std::ptrdiff_t pages_in_memory(const ZeroedPages& pages, std::size_t bytes) {
  std::vector<unsigned char> resident(bytes / page);
  EXPECT_EQ(mincore(pages.begin(), bytes, resident.data()), 0);
  return std::ranges::count_if(resident, [](unsigned char each) { return (each & 1U) != 0; });
}

TEST(ZeroedPages, TakeUpNoMemoryBeforeTheyAreWrittenTo) {
  constexpr std::size_t bytes = 64 << 20;
  const ZeroedPages pages(bytes);
  EXPECT_EQ(pages_in_memory(pages, bytes), 0);
  static_cast<char*>(pages.begin())[bytes - 1] = 1;
  EXPECT_GE(pages_in_memory(pages, bytes), 1);
}

TEST(ZeroedPages, AreZeroFromTheFirstByteToTheLastAndBeginWithAPage) {
  constexpr std::size_t bytes = 3 * page + 17;
  const ZeroedPages pages(bytes);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pages.begin()) % page, 0U);
  const std::span<const char> content(static_cast<const char*>(pages.begin()), bytes);
  EXPECT_TRUE(std::ranges::all_of(content, [](char byte) { return byte == 0; }));
}

TEST(ZeroedPages, ThatTheKernelDoesNotHaveAreToldAsAnyMemoryThatIsNotThere) {
  EXPECT_THROW(ZeroedPages(std::size_t{1} << 62), std::bad_alloc);
}

}  // namespace
}  // namespace tenon
