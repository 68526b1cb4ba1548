// What the server's framer makes of a stream of bytes, in the words of reference_framer.hpp.
#pragma once

#include <string_view>

#include "fuzz/reference_framer.hpp"

namespace tenon::fuzz {

inline constexpr std::size_t fuzz_body_bytes_max = 4096;  // small, so that inputs reach the bound

// `in_pieces`: as a network would deliver it.
[[nodiscard]] ReferenceReading read_by_framer(std::string_view bytes, bool in_pieces);

// `ours` executes no request that the reference does not find at the same place, with the same contents.
void check_readings(const ReferenceReading& ours, const ReferenceReading& reference);

}  // namespace tenon::fuzz
