// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace tenon {

// The length of the well-formed sequence at the start of `bytes`, which is not empty; 0 if there is none.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view bytes) noexcept;

[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;

}  // namespace tenon
