// Bad input: what is sent, and what it must get. Tables of these rows stand in bad_*_test.cpp.
#pragma once

#include <string>
#include <vector>

#include "service/inventory.hpp"

namespace tenon::test {

struct BadInput {
  const char* what;
  ApiCall call;
  int status;
  const char* code;
  const char* path = "";  // of the first violation, where the code is validation_failed
};

// Sends each row, expects its answer to be a whole problem document of that status, code and path, and afterwards no
// trace of any of them in the database.
void expect_refusals(const Node& node, const std::vector<BadInput>& rows);

// The refusal itself, apart from its status: RFC 9457, and what every refusal of ours has.
void expect_problem(const RawResponse& answer, int status, const std::string& code);

}  // namespace tenon::test
