# What is attacked: tenon with a route of an embedder's. And the same with test switches, from the same objects.
add_executable(tenon_attacked attacked.cpp)
target_include_directories(tenon_attacked PRIVATE ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(tenon_attacked PRIVATE tenon_business tenon_crime tenon_inventory tenon_node tenon_allocator)
add_executable(tenon_attacked_under_test $<TARGET_OBJECTS:tenon_attacked> $<TARGET_OBJECTS:tenon_chaos_switches>)
target_link_libraries(tenon_attacked_under_test PRIVATE
  $<TARGET_PROPERTY:tenon_attacked,LINK_LIBRARIES> tenon_chaos_switch_settings)
