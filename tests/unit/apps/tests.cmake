tenon_test(unit_apps LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/business_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/crime_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/route_tables_test.cpp
  USES business crime inventory)
target_include_directories(unit_apps PRIVATE ${CMAKE_CURRENT_LIST_DIR})
