# A Lua script becomes a constant of the program.
#
# tenon_embed_lua(TARGET FILE HEADER NAME): FILE as `inline constexpr std::string_view NAME` in <generated>/HEADER, namespace
# tenon::safeguards. Editing it rebuilds. A string literal of one piece: GCC takes 64 KiB and more.
function(tenon_embed_lua TARGET FILE HEADER NAME)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${FILE})
  file(READ ${CMAKE_CURRENT_SOURCE_DIR}/${FILE} SCRIPT)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/generated/${HEADER} @ONLY CONTENT
"// Made by cmake/embed_lua.cmake from @FILE@.
#pragma once

#include <string_view>

namespace tenon::safeguards {

inline constexpr std::string_view @NAME@ = R\"lua(@SCRIPT@)lua\";

}  // namespace tenon::safeguards
")
  target_include_directories(${TARGET} PUBLIC ${CMAKE_CURRENT_BINARY_DIR}/generated)
endfunction()
