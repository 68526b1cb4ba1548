tenon_test(unit_service LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/chain_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/limits_table_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/service_test.cpp
  USES service)
