tenon_test(unit_node LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/refresh_schedule_test.cpp ${CMAKE_CURRENT_LIST_DIR}/secret_test.cpp ${CMAKE_CURRENT_LIST_DIR}/settings_test.cpp
  USES node)
