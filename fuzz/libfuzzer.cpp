// One target as a libFuzzer program of its own. TENON_FUZZ_TARGET: its function.
#include <cstdio>
#include <cstdlib>

#include "fuzz/target.hpp"

namespace tenon::fuzz {

void TENON_FUZZ_TARGET(std::string_view input);

void check(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "BROKEN PROMISE: %s\n", promise);
  std::abort();
}

}  // namespace tenon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tenon::fuzz::TENON_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
