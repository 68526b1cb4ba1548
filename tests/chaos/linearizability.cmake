# Pure: checks histories, whoever recorded them.
if(NOT TARGET tenon_chaos_linearizability)
  add_library(tenon_chaos_linearizability STATIC ${CMAKE_CURRENT_LIST_DIR}/linearizability.cpp)
  target_include_directories(tenon_chaos_linearizability PUBLIC ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(tenon_chaos_linearizability PUBLIC tenon_base)
endif()
