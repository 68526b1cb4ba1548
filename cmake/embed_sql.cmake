# SQL files become constants of the program, so that the binary and its schema cannot be of different versions.
#
# tenon_embed_sql(TARGET): sql/migrations/NNNN_name.sql and sql/queries/*.sql into the sources of TARGET. Editing, adding or
# removing a file rebuilds them. Included by the build, this file defines the function; run as a script (cmake -P), it writes
# the sources.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(TENON_EMBED_SQL_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
  get_filename_component(TENON_SQL_DIR ${CMAKE_CURRENT_LIST_DIR}/../sql ABSOLUTE)

  function(tenon_embed_sql TARGET)
    file(GLOB MIGRATIONS CONFIGURE_DEPENDS ${TENON_SQL_DIR}/migrations/*.sql)
    file(GLOB QUERIES CONFIGURE_DEPENDS ${TENON_SQL_DIR}/queries/*.sql)
    set(GENERATED ${CMAKE_CURRENT_BINARY_DIR}/generated)
    # The list of files goes through a file: removing one changes it, and so rebuilds.
    file(CONFIGURE OUTPUT ${GENERATED}/embed_sql_files.cmake @ONLY
      CONTENT "set(MIGRATIONS \"@MIGRATIONS@\")\nset(QUERIES \"@QUERIES@\")\n")
    set(OUTPUTS ${GENERATED}/postgres/queries.hpp ${GENERATED}/postgres/queries.cpp ${GENERATED}/postgres/embedded_sql.cpp)
    add_custom_command(OUTPUT ${OUTPUTS}
      COMMAND ${CMAKE_COMMAND} -DGENERATED=${GENERATED} -P ${TENON_EMBED_SQL_SCRIPT}
      DEPENDS ${TENON_EMBED_SQL_SCRIPT} ${GENERATED}/embed_sql_files.cmake ${MIGRATIONS} ${QUERIES}
      COMMENT "Embedding SQL" VERBATIM)
    target_sources(${TARGET} PRIVATE ${OUTPUTS})
    target_include_directories(${TARGET} PUBLIC ${GENERATED})
  endfunction()
  return()
endif()

cmake_minimum_required(VERSION 3.25)

# A file as a list of character literals: no raw string's delimiter or length limit can get in the way.
function(characters_of FILE RESULT)
  file(READ ${FILE} BYTES HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," BYTES "${BYTES}")
  string(REPLACE "'\\x0a'," "'\\x0a',\n" BYTES "${BYTES}")
  set(${RESULT} "${BYTES}" PARENT_SCOPE)
endfunction()

include(${GENERATED}/embed_sql_files.cmake)

set(ARRAYS "")
set(ENTRIES "")
set(NUMBERS "")
foreach(FILE IN LISTS MIGRATIONS)
  get_filename_component(STEM ${FILE} NAME_WE)
  if(NOT STEM MATCHES "^([0-9][0-9][0-9][0-9])_([a-z][a-z0-9_]*)$")
    message(FATAL_ERROR "${FILE}: a migration is named NNNN_name.sql")
  endif()
  set(DIGITS ${CMAKE_MATCH_1})
  set(NAME ${CMAKE_MATCH_2})
  if(DIGITS IN_LIST NUMBERS)
    message(FATAL_ERROR "${FILE}: there is another migration ${DIGITS}")
  endif()
  list(APPEND NUMBERS ${DIGITS})
  characters_of(${FILE} CHARACTERS)
  string(REGEX REPLACE "^0+" "" NUMBER ${DIGITS})
  string(APPEND ARRAYS "constexpr char sql_${DIGITS}[] = {\n${CHARACTERS}'\\0'};\n")
  string(APPEND ENTRIES "    {${NUMBER}, \"${NAME}\", {sql_${DIGITS}, sizeof sql_${DIGITS} - 1}},\n")
endforeach()
list(LENGTH NUMBERS COUNT)
file(WRITE ${GENERATED}/postgres/embedded_sql.cpp
"// Made by cmake/embed_sql.cmake from sql/migrations.
#include \"postgres/embedded_sql.hpp\"

#include <array>

namespace tenon::postgres {
namespace {

${ARRAYS}
constexpr std::array<EmbeddedMigration, ${COUNT}> migrations{{
${ENTRIES}}};

}  // namespace

std::span<const EmbeddedMigration> embedded_sql_migrations() noexcept { return migrations; }

}  // namespace tenon::postgres
")

set(DECLARATIONS "")
set(DEFINITIONS "")
foreach(FILE IN LISTS QUERIES)
  get_filename_component(STEM ${FILE} NAME_WE)
  if(NOT STEM MATCHES "^[a-z][a-z0-9_]*$")
    message(FATAL_ERROR "${FILE}: a query's file name is a C++ name in lower case")
  endif()
  characters_of(${FILE} CHARACTERS)
  string(APPEND DECLARATIONS "extern const std::string_view ${STEM};\n")
  string(APPEND DEFINITIONS "namespace {\nconstexpr char sql_${STEM}[] = {\n${CHARACTERS}'\\0'};\n}\n"
    "constinit const std::string_view ${STEM}{sql_${STEM}, sizeof sql_${STEM} - 1};\n")
endforeach()
file(WRITE ${GENERATED}/postgres/queries.hpp
"// Made by cmake/embed_sql.cmake: the text of each sql/queries/NAME.sql, by name.
#pragma once

#include <string_view>

namespace tenon::postgres::queries {

${DECLARATIONS}
}  // namespace tenon::postgres::queries
")
file(WRITE ${GENERATED}/postgres/queries.cpp
"// Made by cmake/embed_sql.cmake from sql/queries.
#include \"postgres/queries.hpp\"

namespace tenon::postgres::queries {

${DEFINITIONS}
}  // namespace tenon::postgres::queries
")
