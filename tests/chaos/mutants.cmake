# The harness against programs with one safeguard broken. Included where tenon_chaos is made.
find_package(CLI11 REQUIRED)
add_executable(tenon_negative_controls
  ${CMAKE_CURRENT_LIST_DIR}/mutants.cpp ${CMAKE_CURRENT_LIST_DIR}/negative_controls.cpp
  ${PROJECT_SOURCE_DIR}/tests/support/child_program.cpp)
target_include_directories(tenon_negative_controls PRIVATE ${PROJECT_SOURCE_DIR}/tests)
target_compile_definitions(tenon_negative_controls PRIVATE
  TENON_CHAOS="$<TARGET_FILE:tenon_chaos>" TENON_UNDER_TEST="$<TARGET_FILE:tenon_attacked_under_test>")
target_link_libraries(tenon_negative_controls PRIVATE tenon_base CLI11::CLI11 fmt::fmt)
add_dependencies(tenon_negative_controls tenon_chaos tenon_attacked_under_test)
add_test(NAME chaos_negative_controls
  COMMAND tenon_negative_controls --only no_key_lookup,refusals_not_stored WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
set_tests_properties(chaos_negative_controls PROPERTIES LABELS chaos)
tenon_test_timeout(chaos_negative_controls 300)
