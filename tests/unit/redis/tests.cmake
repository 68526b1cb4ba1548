tenon_test(unit_redis LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/address_test.cpp ${CMAKE_CURRENT_LIST_DIR}/resp_test.cpp ${CMAKE_CURRENT_LIST_DIR}/slots_test.cpp
  USES redis)
