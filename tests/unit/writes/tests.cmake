tenon_test(unit_writes LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/fault_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/in_flight_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/lane_choice_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/reply_cache_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/room_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/writer_test.cpp
  USES writes)
