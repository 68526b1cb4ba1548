// Bytes to requests: all at once, in pieces, and by the reference.
#include "fuzz/http_reading.hpp"
#include "fuzz/target.hpp"

namespace tenon::fuzz {

void http_framer(std::string_view input);
void http_framer(std::string_view input) {
  const ReferenceReading whole = read_by_framer(input, false);
  const ReferenceReading pieces = read_by_framer(input, true);
  check(whole.requests == pieces.requests, "how the bytes arrive makes a difference");
  check((whole.end == ReferenceReading::End::refused) == (pieces.end == ReferenceReading::End::refused),
        "how the bytes arrive decides whether they are refused");
  check_readings(whole, read_by_reference(input, fuzz_body_bytes_max));
}

}  // namespace tenon::fuzz
