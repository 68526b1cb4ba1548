#include "unit/docs/pages.hpp"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace tenon::test {
namespace {

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

}  // namespace

std::string page(const std::string& path) {
  std::ifstream file(std::string(TENON_REPOSITORY) + "/" + path);
  if (!file) throw std::runtime_error("there is no page " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Row> rows_of(const std::string& text) {
  std::vector<Row> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    Row row;
    for (std::size_t at = 1; at < line.size();) {
      const std::size_t end = std::min(line.find('|', at), line.size());
      row.push_back(trimmed(std::string_view(line).substr(at, end - at)));
      at = end + 1;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> code_in(std::string_view cell) {
  std::vector<std::string> found;
  while (true) {
    const std::size_t begin = cell.find('`');
    if (begin == std::string_view::npos) return found;
    const std::size_t end = cell.find('`', begin + 1);
    if (end == std::string_view::npos) return found;
    found.emplace_back(cell.substr(begin + 1, end - begin - 1));
    cell.remove_prefix(end + 1);
  }
}

Output run_tenon(const std::string& arguments, const std::string& variables) {
  const std::string command = variables + " " + std::string(TENON_BINARY) + " " + arguments + " 2>&1";
  FILE* pipe = ::popen(command.c_str(), "re");  // NOLINT(cert-env33-c): a command of our own
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  Output output;
  std::array<char, 4096> bytes{};
  for (std::size_t n = 0; (n = std::fread(bytes.data(), 1, bytes.size(), pipe)) > 0;)
    output.text.append(bytes.data(), n);
  const int status = ::pclose(pipe);
  output.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return output;
}

}  // namespace tenon::test
