// Memory straight from the kernel: a large table of which little may ever be used.
#pragma once

#include <cstddef>

namespace tenon {

// All bytes are zero, and a page takes up memory only once it is written to; an allocator may promise neither (calloc
// of tcmalloc and mimalloc writes zeros to all of it). In large pages where the kernel has them, for a table that is
// entered all over: each place's page would have to be looked up.
class ZeroedPages {
 public:
  explicit ZeroedPages(std::size_t bytes);  // throws std::bad_alloc
  ~ZeroedPages();
  ZeroedPages(const ZeroedPages&) = delete;
  ZeroedPages& operator=(const ZeroedPages&) = delete;

  [[nodiscard]] void* begin() const noexcept { return begin_; }  // aligned to a page, 4,096 bytes

 private:
  void* begin_;
  std::size_t bytes_;
};

}  // namespace tenon
