// The pages under docs/ as the tests compare them with the code.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tenon::test {

// The text of a file of the repository: "docs/reference/problems.md". Throws when it is not there.
[[nodiscard]] std::string page(const std::string& path);

using Row = std::vector<std::string>;  // cells, without white space at both ends

// The rows of all tables of a page whose first cell begins with a backquote: head and rule are none.
[[nodiscard]] std::vector<Row> rows_of(const std::string& text);

// What stands between each pair of backquotes.
[[nodiscard]] std::vector<std::string> code_in(std::string_view cell);

struct Output {
  int exit_code = -1;
  std::string text;  // both streams
};
// Runs the program `tenon` with `variables` ("NAME=value") set. All of it goes through a shell.
[[nodiscard]] Output run_tenon(const std::string& arguments, const std::string& variables = {});

}  // namespace tenon::test
