tenon_test(unit_http LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/answer_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/framer_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/head_rules_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/message_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/peers_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/router_test.cpp
  USES http)

tenon_test(unit_http_server LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/../../support/raw_client.cpp
    ${CMAKE_CURRENT_LIST_DIR}/test_server.cpp
    ${CMAKE_CURRENT_LIST_DIR}/server_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/server_deadline_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/server_framing_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/server_limits_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/server_stop_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/server_tls_test.cpp
  USES http)
