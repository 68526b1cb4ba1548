# What every target of ours is built with.
add_library(tenon_options INTERFACE)
target_compile_options(tenon_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual -Werror -fno-omit-frame-pointer)
target_compile_definitions(tenon_options INTERFACE
  # Asio and Beast are compiled once, in src/base/asio.cpp and src/http/beast.cpp, not in every file that includes them.
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  # What Asio keeps for a while comes from operator new, whose alignment is all that is asked for, not from aligned_alloc.
  BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC BOOST_ASIO_DISABLE_BOOST_ALIGN
  $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports false dangling/uninitialized/null findings inside inlined standard and Boost headers under -O2.
  target_compile_options(tenon_options INTERFACE
    -fcoroutines -Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-null-dereference
    -Wno-mismatched-new-delete)
  if(TENON_SANITIZE STREQUAL "thread")
    target_compile_options(tenon_options INTERFACE -Wno-tsan)  # Asio's fences, which GCC's TSan does not model
  endif()
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # GCC 12's own headers use what they call deprecated.
  target_compile_options(tenon_options INTERFACE -Wno-deprecated-declarations)
endif()
if(TENON_SANITIZE)
  target_compile_options(tenon_options INTERFACE -fsanitize=${TENON_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(tenon_options INTERFACE -fsanitize=${TENON_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12's shared libubsan does not heed log_path beside ASan, and so a child's report would be lost.
    target_link_options(tenon_options INTERFACE -static-libasan -static-libubsan -static-libtsan)
  endif()
endif()

# The allocator of the program `tenon`; a program that uses the library chooses its own (docs/decisions/0015-allocator.md).
# Linked whether or not the program names a symbol of it, and before the C library, whose malloc it takes the place of.
add_library(tenon_allocator INTERFACE)
if(TENON_TCMALLOC AND NOT TENON_SANITIZE)  # a sanitizer brings an allocator of its own
  find_library(TCMALLOC_MINIMAL tcmalloc_minimal REQUIRED)
  target_link_libraries(tenon_allocator INTERFACE
    -Wl,--push-state,--no-as-needed ${TCMALLOC_MINIMAL} -Wl,--pop-state)
endif()

# tenon_part(NAME SOURCES a.cpp b.cpp [USES part...] [LINKS lib...]): one folder of src/ as a static library.
function(tenon_part NAME)
  cmake_parse_arguments(PART "" "" "SOURCES;USES;LINKS" ${ARGN})
  add_library(tenon_${NAME} STATIC ${PART_SOURCES})
  target_include_directories(tenon_${NAME} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  list(TRANSFORM PART_USES PREPEND tenon_)
  target_link_libraries(tenon_${NAME} PUBLIC tenon_options ${PART_USES} ${PART_LINKS})
endfunction()

# What most of a test file's compilation goes into, read once for all test programs. Sources of src/ and apps/ have no
# precompiled header, so that each of them includes what it uses; the dev preset switches this one off for the same reason.
function(tenon_test_headers)
  if(TARGET tenon_test_headers)
    return()
  endif()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/test_headers.cpp CONTENT "")
  add_library(tenon_test_headers OBJECT ${PROJECT_BINARY_DIR}/test_headers.cpp)
  target_link_libraries(tenon_test_headers PRIVATE tenon_base GTest::gmock GTest::gtest)
  target_precompile_headers(tenon_test_headers PRIVATE
    <gmock/gmock.h> <gtest/gtest.h> <chrono> <functional> <memory> <optional> <span> <string> <string_view> <variant> <vector>
    <boost/asio/awaitable.hpp> <boost/asio/co_spawn.hpp> <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp>
    <boost/asio/steady_timer.hpp> <boost/asio/use_awaitable.hpp>)
endfunction()

# tenon_test_timeout(NAME SECONDS): how long an entry of ctest may take, in a build without sanitizers.
function(tenon_test_timeout NAME SECONDS)
  if(TENON_SANITIZE)
    math(EXPR SECONDS "${SECONDS} * 4")  # as much slower as what only computes is there
  endif()
  set_tests_properties(${NAME} PROPERTIES TIMEOUT ${SECONDS})
endfunction()

# tenon_test(NAME LABEL SOURCES... USES...): one GoogleTest program, found and run by ctest test by test.
function(tenon_test NAME)
  cmake_parse_arguments(TEST "" "LABEL;TIMEOUT" "SOURCES;USES;LINKS" ${ARGN})
  add_executable(${NAME} ${TEST_SOURCES})
  list(TRANSFORM TEST_USES PREPEND tenon_)
  target_include_directories(${NAME} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${NAME} PRIVATE ${TEST_USES} ${TEST_LINKS} GTest::gmock GTest::gtest_main)
  tenon_test_headers()
  target_precompile_headers(${NAME} REUSE_FROM tenon_test_headers)
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 600)
  endif()
  # One ctest entry per program: a test database is started once per program, not once per test.
  add_test(NAME ${NAME} COMMAND ${NAME} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${NAME} PROPERTIES LABELS "${TEST_LABEL}")
  tenon_test_timeout(${NAME} ${TEST_TIMEOUT})
endfunction()
