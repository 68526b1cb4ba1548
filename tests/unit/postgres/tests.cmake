tenon_test(unit_postgres LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/applied_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/endpoints_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/value_test.cpp
  USES postgres)
