#include "safeguards/forwarded.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "http/ascii.hpp"

namespace tenon::safeguards {
namespace {

using boost::asio::ip::address;
namespace ascii = http::ascii;

// RFC 7239 section 6: a number, or an obfuscated "_name".
[[nodiscard]] bool is_port(std::string_view text) noexcept {
  if (text.starts_with('_')) {
    return text.size() > 1 &&
           std::ranges::all_of(text, [](char c) { return ascii::is_alnum(c) || c == '.' || c == '_' || c == '-'; });
  }
  return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, ascii::is_digit);
}

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80". Not "unknown", not "_hidden".
[[nodiscard]] std::optional<address> parse_node(std::string_view node) {
  if (node.starts_with('[')) {
    const std::size_t end = node.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view after = node.substr(end + 1);
    if (!after.empty() && !(after.front() == ':' && is_port(after.substr(1)))) return std::nullopt;
    const auto found = parse_address(node.substr(1, end - 1));
    return found && found->is_v6() ? found : std::nullopt;
  }
  const std::size_t colon = node.find(':');
  if (colon == std::string_view::npos || node.find(':', colon + 1) != std::string_view::npos)
    return parse_address(node);
  return is_port(node.substr(colon + 1)) ? parse_address(node.substr(0, colon)) : std::nullopt;
}

// Takes the value off the front of `rest`: a quoted string, unescaped, or what stands before the next ";".
[[nodiscard]] std::optional<std::string> cut_value(std::string_view& rest) {
  if (!rest.starts_with('"')) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view value = ascii::trim(rest.substr(0, end));
    rest.remove_prefix(end);
    if (value.find('"') != std::string_view::npos) return std::nullopt;
    return std::string(value);
  }
  std::string value;
  for (std::size_t at = 1; at < rest.size(); ++at) {
    if (rest[at] == '"') {
      rest = ascii::trim(rest.substr(at + 1));
      return value;
    }
    if (rest[at] == '\\' && ++at == rest.size()) return std::nullopt;
    value.push_back(rest[at]);
  }
  return std::nullopt;
}

// `for=192.0.2.60;proto=http;by=203.0.113.43`: the node of `for`, which must be there once.
[[nodiscard]] std::optional<address> parse_forwarded_element(std::string_view element) {
  std::optional<std::string> node;
  while (!element.empty()) {
    if (element.front() == ';') {
      element = ascii::trim(element.substr(1));
      continue;
    }
    const std::size_t equals = element.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = element.substr(0, equals);
    if (!ascii::is_token(name)) return std::nullopt;
    element.remove_prefix(equals + 1);
    auto value = cut_value(element);
    if (!value || (!element.empty() && element.front() != ';')) return std::nullopt;
    if (!ascii::equal_in_any_case(name, "for")) continue;
    if (node) return std::nullopt;
    node = std::move(value);
  }
  return node ? parse_node(*node) : std::nullopt;
}

// Where a quote that closes a string, met when reading from the right, was opened: the next quote to the left that is
// not escaped by an odd number of backslashes. Zero when it was not.
[[nodiscard]] std::size_t opening_quote(std::string_view line, std::size_t closing) noexcept {
  for (std::size_t at = closing; at-- > 0;) {
    if (line[at] != '"') continue;
    std::size_t backslashes = 0;
    while (backslashes < at && line[at - 1 - backslashes] == '\\') ++backslashes;
    if (backslashes % 2 == 0) return at;
    at -= backslashes;
  }
  return 0;
}

}  // namespace

std::optional<address> parse_address(std::string_view text) {
  std::array<char, 46> terminated{};  // INET6_ADDRSTRLEN
  const auto is_part = [](char c) { return ascii::hex_value(c) >= 0 || c == '.' || c == ':'; };
  if (text.empty() || text.size() >= terminated.size() || !std::ranges::all_of(text, is_part)) return std::nullopt;
  std::ranges::copy(text, terminated.begin());
  boost::system::error_code error;
  const address found = boost::asio::ip::make_address(terminated.data(), error);
  if (error) return std::nullopt;
  return found;
}

std::optional<address> Hops::next() {
  if (!line_ && !open_line()) return std::nullopt;
  const std::string_view element = ascii::trim(cut_element());
  return syntax_ == HopSyntax::forwarded ? parse_forwarded_element(element) : parse_node(element);
}

bool Hops::open_line() noexcept {
  const std::string_view wanted = syntax_ == HopSyntax::forwarded ? "forwarded" : "x-forwarded-for";
  while (!headers_.empty()) {
    const http::Header& header = headers_.back();
    headers_ = headers_.first(headers_.size() - 1);
    if (!ascii::equal_in_any_case(header.name, wanted)) continue;
    line_ = header.value;
    return true;
  }
  return false;
}

std::string_view Hops::cut_element() noexcept {
  const std::string_view line = *line_;
  for (std::size_t at = line.size(); at-- > 0;) {
    if (line[at] == '"' && syntax_ == HopSyntax::forwarded) at = opening_quote(line, at);
    if (line[at] != ',') continue;
    line_ = line.substr(0, at);
    return line.substr(at + 1);
  }
  line_.reset();
  return line;
}

}  // namespace tenon::safeguards
