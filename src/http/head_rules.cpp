#include "http/head_rules.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/eight_characters.hpp"
#include "base/limits.hpp"
#include "http/ascii.hpp"

namespace tenon::http {
namespace {

// RFC 3986 would allow the sub-delims too; no host has them, and a comma is what two Hosts joined into one look like.
constexpr std::array<bool, 256> host_chars = [] {
  std::array<bool, 256> chars{};
  for (int c = 0; c < 128; ++c) chars[static_cast<std::size_t>(c)] = ascii::is_alnum(static_cast<char>(c));
  for (const char c : std::string_view("-._~%")) chars[static_cast<unsigned char>(c)] = true;
  return chars;
}();
bool is_host_char(char c) { return host_chars[static_cast<unsigned char>(c)]; }

bool is_ip_literal_char(char c) { return ascii::hex_value(c) >= 0 || c == ':' || c == '.'; }

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return text.empty() || (error == std::errc{} && end == text.data() + text.size() && port <= 65535);
}

bool is_content_length(std::string_view value) {
  return !value.empty() && value.size() <= 19 && std::ranges::all_of(value, ascii::is_digit);
}

// A list of codings we might meet one day (501), or something no recipient could frame (400)?
bool is_list_of_codings(std::string_view value) {
  std::size_t chunked = 0;
  while (true) {
    const std::size_t comma = value.find(',');
    const std::string_view coding = ascii::trim(value.substr(0, comma));
    if (!ascii::is_token(coding)) return false;
    // Chunked is applied once, and last: whatever else is there, its end could not be found.
    if (chunked != 0) return false;
    chunked += ascii::equal_in_any_case(coding, "chunked") ? 1 : 0;
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

// The headers that decide about framing and identity, in one walk.
struct Notable {
  std::size_t hosts = 0, lengths = 0, codings = 0, expectations = 0, request_ids = 0;
  std::string_view host, length, coding, expectation, request_id;

  explicit Notable(std::span<const Header> headers) {
    for (const Header& header : headers) {
      // The length tells nearly all other headers apart before a byte is compared.
      switch (header.name.size()) {
        case 4:
          note(header, "Host", hosts, host);
          break;
        case 6:
          note(header, "Expect", expectations, expectation);
          break;
        case 12:
          note(header, "X-Request-Id", request_ids, request_id);
          break;
        case 14:
          note(header, "Content-Length", lengths, length);
          break;
        case 17:
          note(header, "Transfer-Encoding", codings, coding);
          break;
        default:
          break;
      }
    }
  }

 private:
  static void note(const Header& header, std::string_view name, std::size_t& count, std::string_view& value) {
    if (!ascii::equal_in_any_case(header.name, name)) return;
    ++count;
    value = header.value;
  }
};

const char* why_malformed(const Head& head, const Notable& seen) {
  if (!is_origin_form(head.target)) return "the request target must be an absolute path";
  if (seen.codings != 0 && head.version < 11) return "HTTP/1.0 has no Transfer-Encoding";
  if (seen.codings != 0 && seen.lengths != 0) return "Transfer-Encoding and Content-Length exclude each other";
  if (seen.codings > 1) return "more than one Transfer-Encoding";
  if (seen.codings == 1 && !is_list_of_codings(seen.coding)) return "malformed Transfer-Encoding";
  if (seen.lengths > 1) return "more than one Content-Length";
  if (seen.lengths == 1 && !is_content_length(seen.length)) return "malformed Content-Length";
  if (seen.hosts > 1) return "more than one Host";
  if (seen.hosts == 0 && head.version >= 11) return "Host is missing";
  if (seen.hosts == 1 && !is_host(seen.host)) return "malformed Host";
  if (seen.expectations > 1) return "more than one Expect";
  if (seen.expectations == 1 && !ascii::equal_in_any_case(seen.expectation, "100-continue"))
    return "the only expectation understood is 100-continue";
  return nullptr;
}

}  // namespace

bool is_origin_form(std::string_view target) noexcept {
  const auto odd = [](EightCharacters eight) { return eight.below('!') | eight.from_delete_on() | eight.equal('#'); };
  return target.starts_with('/') && all_right(target, odd, [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
}

bool is_host(std::string_view value) noexcept {
  if (value.starts_with('[')) {
    const std::size_t end = value.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    if (!std::ranges::all_of(value.substr(1, end - 1), is_ip_literal_char)) return false;
    value.remove_prefix(end + 1);
    return value.empty() || (value.front() == ':' && is_port(value.substr(1)));
  }
  const std::size_t colon = value.find(':');
  const std::string_view name = value.substr(0, colon);
  if (name.empty() || !std::ranges::all_of(name, is_host_char)) return false;
  return colon == std::string_view::npos || is_port(value.substr(colon + 1));
}

bool is_request_id(std::string_view value) noexcept {
  return !value.empty() && value.size() <= 128 && std::ranges::all_of(value, [](char c) {
    return ascii::is_alnum(c) || std::string_view("._~:+/=-").find(c) != std::string_view::npos;
  });
}

HeadVerdict judge(const Head& head) {
  const Notable seen(head.headers);
  HeadVerdict verdict;
  if (seen.request_ids == 1 && is_request_id(seen.request_id)) verdict.request_id = seen.request_id;
  verdict.expects_continue = seen.expectations == 1 && head.version >= 11;
  if (const char* reason = why_malformed(head, seen)) {
    verdict.refusal = problem(ProblemCode::malformed_request, reason);
  } else if (head.method.size() + head.target.size() + 10 > limits::start_line_bytes_max) {
    verdict.refusal = problem(ProblemCode::header_too_large, "the request line is too long");
  } else if (seen.codings == 1 && !ascii::equal_in_any_case(seen.coding, "chunked")) {
    verdict.refusal = problem(ProblemCode::not_implemented, "the only transfer coding understood is chunked");
  } else if (!method_named(head.method)) {
    verdict.refusal = problem(ProblemCode::not_implemented, "unknown method");
  }
  return verdict;
}

}  // namespace tenon::http
