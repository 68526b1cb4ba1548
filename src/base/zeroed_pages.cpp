#include "base/zeroed_pages.hpp"

#include <sys/mman.h>

#include <new>

namespace tenon {

ZeroedPages::ZeroedPages(std::size_t bytes)
    : begin_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)), bytes_(bytes) {
  if (begin_ == MAP_FAILED) throw std::bad_alloc();  // NOLINT: the macro's cast
  (void)madvise(begin_, bytes_, MADV_HUGEPAGE);      // a wish
}

ZeroedPages::~ZeroedPages() { munmap(begin_, bytes_); }

}  // namespace tenon
