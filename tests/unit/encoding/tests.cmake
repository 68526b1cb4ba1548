tenon_test(unit_encoding LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/canonical_json_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/http_date_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/iso_date_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/json_number_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/json_refusals_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/json_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/query_string_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/structured_item_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/structured_list_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/structured_serialize_test.cpp
  USES encoding)
