include(${PROJECT_SOURCE_DIR}/tests/chaos/linearizability.cmake)
include(${PROJECT_SOURCE_DIR}/tests/chaos/switches.cmake)
tenon_test(unit_chaos LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/linearizability_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/mutants_test.cpp
    ${PROJECT_SOURCE_DIR}/tests/chaos/mutants.cpp
    ${CMAKE_CURRENT_LIST_DIR}/published_histories_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/random_histories_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/switch_settings_test.cpp
  USES chaos_linearizability chaos_switch_settings)
