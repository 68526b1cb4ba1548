// Percent-decoding and query strings.
#include "encoding/query_string.hpp"

#include "base/utf8.hpp"
#include "fuzz/target.hpp"

namespace tenon::fuzz {
namespace {

std::string encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    out += '%';
    out += digits[static_cast<unsigned char>(c) >> 4U];
    out += digits[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

void check_text(const std::string& text) {
  check(is_utf8(text), "what is decoded is UTF-8");
  check(text.find('\0') == std::string::npos, "what is decoded has no NUL");
}

}  // namespace

void query_string(std::string_view input);
void query_string(std::string_view input) {
  if (const auto text = percent_decode(input)) {
    check_text(*text);
    check(percent_decode(encode(*text)) == text, "decoding undoes encoding");
  }
  const auto parameters = parse_query(input);
  if (!parameters) return;
  check(parameters->size() <= 50, "parameters are bounded");
  std::string written;
  for (const auto& [name, value] : *parameters) {
    check_text(name);
    check_text(value);
    if (!written.empty()) written += '&';
    written += encode(name) + '=' + encode(value);
  }
  // Empty pieces between ampersands may or may not count: only what has a name is compared.
  if (!written.empty()) check(parse_query(written) == parameters, "what is written anew reads the same");
}

}  // namespace tenon::fuzz
