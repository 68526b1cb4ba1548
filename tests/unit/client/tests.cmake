tenon_test(unit_client LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/client_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/retry_test.cpp
  USES client)
