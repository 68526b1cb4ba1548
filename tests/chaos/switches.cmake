# Our programs once more, as the tests break them: linked from the same objects, but for base/test_switch.cpp, whose place
# switches.cpp takes. Nothing is compiled a second time.
if(NOT TARGET tenon_under_test)
  add_library(tenon_chaos_switch_settings STATIC ${CMAKE_CURRENT_LIST_DIR}/switch_settings.cpp)
  target_include_directories(tenon_chaos_switch_settings PUBLIC ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(tenon_chaos_switch_settings PUBLIC tenon_base)
  add_library(tenon_chaos_switches OBJECT ${CMAKE_CURRENT_LIST_DIR}/switches.cpp)
  target_link_libraries(tenon_chaos_switches PUBLIC tenon_chaos_switch_settings)
  foreach(program tenon guestbook)
    add_executable(${program}_under_test $<TARGET_OBJECTS:${program}> $<TARGET_OBJECTS:tenon_chaos_switches>)
    target_link_libraries(${program}_under_test PRIVATE
      $<TARGET_PROPERTY:${program},LINK_LIBRARIES> tenon_chaos_switch_settings)
    set_target_properties(${program}_under_test PROPERTIES
      OUTPUT_NAME ${program} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/under_test)
  endforeach()
endif()
