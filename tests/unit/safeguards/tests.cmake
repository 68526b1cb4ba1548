tenon_test(unit_safeguards LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/bucket_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/caller_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/client_address_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/fingerprint_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/idempotency_key_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/issue_token_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/jwks_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/jwt_matrix_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/leases_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/memory_store_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/penalty_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/precondition_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/rate_limit_headers_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/revocations_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/token_cache_test.cpp
          ${PROJECT_SOURCE_DIR}/tests/support/signing_key.cpp
  USES safeguards)
