// A decoder with a planted defect, of the kind that the other targets are there to find: an escape that the end cuts
// off is not looked at. A run that does not find it is worth nothing: a test expects it to.
#include <string>

#include "fuzz/target.hpp"

namespace tenon::fuzz {
namespace {

std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    check(at + 2 < text.size(), "planted: an escape has its two digits");
    out += static_cast<char>(text[at + 1] * 16 + text[at + 2]);
    at += 2;
  }
  return out;
}

}  // namespace

void canary(std::string_view input);
void canary(std::string_view input) { check(decode(input).size() <= input.size(), "decoding shortens"); }

}  // namespace tenon::fuzz
