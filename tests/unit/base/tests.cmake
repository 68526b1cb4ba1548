# The log's lines are read back by our own JSON parser, hence encoding.
tenon_test(unit_base LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/bytes_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/eight_characters_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/json_string_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/keyed_hash_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/log_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/nearest_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/problem_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/text_writer_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/utf8_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/zeroed_pages_test.cpp
  USES encoding)
