tenon_test(unit_audit LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/checkpoint_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/https_sink_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/leaf_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/list_cursor_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/merkle_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/note_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/proof_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/retirement_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/sink_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/tile_test.cpp
    ${PROJECT_SOURCE_DIR}/tests/support/child_program.cpp
  USES audit)
