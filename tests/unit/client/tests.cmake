tenon_test(unit_client LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/client_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/client_tls_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/connections_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/retry_test.cpp
          ${PROJECT_SOURCE_DIR}/tests/support/child_program.cpp
          ${PROJECT_SOURCE_DIR}/tests/support/tls_server.cpp
  USES client)
