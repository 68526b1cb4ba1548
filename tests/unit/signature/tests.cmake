tenon_test(unit_signature LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/components_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/digest_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/input_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/key_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/outgoing_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/replay_model_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/rfc9421_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/sealed_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/tamper_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/verify_test.cpp
  USES safeguards)
