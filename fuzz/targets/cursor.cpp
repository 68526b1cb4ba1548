// Cursors of lists: what is let through, PostgreSQL takes.
#include <algorithm>
#include <string>
#include <vector>

#include "audit/routes.hpp"
#include "base/bytes.hpp"
#include "fuzz/target.hpp"

namespace tenon::fuzz {
namespace {

// pg_snapshot's own rules (its input function's), said once more.
bool is_pg_snapshot(std::string_view text) {
  std::vector<std::string> numbers(1);
  std::vector<char> marks;
  for (const char c : text) {
    if (c == ':' || c == ',') {
      marks.push_back(c);
      numbers.emplace_back();
    } else if (c >= '0' && c <= '9') {
      numbers.back() += c;
    } else {
      return false;
    }
  }
  if (marks.size() < 2 || marks[0] != ':' || marks[1] != ':') return false;
  if (!std::all_of(marks.begin() + 2, marks.end(), [](char c) { return c == ','; })) return false;
  if (marks.size() == 2 && numbers[2].empty()) numbers.pop_back();
  std::vector<std::uint64_t> values;
  for (const std::string& number : numbers) {
    if (number.empty()) return false;
    std::uint64_t value = 0;
    for (const char c : number) {
      if (value > 922'337'203'685'477'580U) return false;
      value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (value == 0 || value > 9'223'372'036'854'775'807U) return false;
    values.push_back(value);
  }
  if (values[0] > values[1]) return false;
  for (std::size_t n = 2; n < values.size(); ++n)
    if (values[n] < values[0] || values[n] >= values[1] || (n > 2 && values[n] <= values[n - 1])) return false;
  return true;
}

}  // namespace

void cursor(std::string_view input);
void cursor(std::string_view input) {
  if (const auto list = audit::parse_list_cursor(input)) {
    check(list->before >= 1, "entries have ids from 1 on");
    check(is_pg_snapshot(list->snapshot), "a snapshot is one of PostgreSQL's");
    check(input.ends_with(list->snapshot), "the snapshot is the cursor's own");
  }
  if (const auto id = Uuid::parse(input)) {
    const auto again = Uuid::parse(id->text());
    check(again == id, "an id reads the same again");
    check(input.size() == 36, "an id has 36 characters");
  }
  if (const auto bytes = base64url_decode(input)) check(base64url(*bytes) == input, "base64url has one spelling");
}

}  // namespace tenon::fuzz
