tenon_test(unit_cost LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/allocations.cpp ${CMAKE_CURRENT_LIST_DIR}/request_cost_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/scarce_memory_test.cpp
  USES inventory)
