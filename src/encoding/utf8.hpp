// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
#pragma once

#include <string_view>

namespace tenon {

[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;

}  // namespace tenon
