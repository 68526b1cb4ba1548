tenon_test(unit_docs LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/http_api_pages_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/links_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/limits_table_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/metrics_page_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/pages.cpp
    ${CMAKE_CURRENT_LIST_DIR}/problems_page_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/settings_page_test.cpp
  USES business crime inventory node)
target_compile_definitions(unit_docs PRIVATE
  TENON_REPOSITORY="${PROJECT_SOURCE_DIR}" TENON_BINARY="$<TARGET_FILE:tenon>")
add_dependencies(unit_docs tenon)
