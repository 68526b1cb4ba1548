#include "http/message.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "base/eight_characters.hpp"
#include "http/ascii.hpp"

namespace tenon::http {
namespace {

constexpr std::array<std::pair<Method, std::string_view>, 7> methods{{
    {Method::get, "GET"},
    {Method::head, "HEAD"},
    {Method::post, "POST"},
    {Method::put, "PUT"},
    {Method::patch, "PATCH"},
    {Method::delete_, "DELETE"},
    {Method::options, "OPTIONS"},
}};

constexpr std::size_t header_lines_bytes_usual = 384;

constexpr bool is_line_end(char c) noexcept { return c == '\r' || c == '\n' || c == '\0'; }

// As those are that end a line.
bool has_control(std::string_view value) noexcept {
  return !all_right(
      value, [](EightCharacters eight) { return eight.below(' '); },
      [](char c) { return static_cast<unsigned char>(c) >= ' '; });
}

}  // namespace

std::string_view name_of(Method method) noexcept { return methods[static_cast<std::size_t>(method)].second; }

std::optional<Method> method_named(std::string_view name) noexcept {
  for (const auto& [method, known] : methods)
    if (known == name) return method;
  return std::nullopt;
}

Request::Found Request::find(std::string_view name) const noexcept {
  Found found;
  for (const Header& header : headers) {
    if (!ascii::equal_in_any_case(header.name, name)) continue;
    ++found.count;
    found.value = header.value;
  }
  return found;
}

std::optional<std::string_view> Request::header(std::string_view name) const noexcept {
  const Found found = find(name);
  if (found.count != 1) return std::nullopt;
  return found.value;
}

Response Response::json(std::uint16_t status, std::string body) {
  Response response(status);
  response.add("Content-Type", "application/json");
  response.set_body(std::move(body));
  return response;
}

Response Response::refusal(const Problem& problem) { return refusal(problem, problem.status()); }

Response Response::refusal(const Problem& problem, std::uint16_t status) {
  Response response(status);
  response.refused_for_ = problem.code;
  response.header_lines_.reserve(header_lines_bytes_usual);
  const std::uint32_t wait =
      problem.retry_after_seconds != 0 ? problem.retry_after_seconds : kind_of(problem.code).retry_after_seconds;
  constexpr std::size_t most = 96 + number_characters_max;
  response.add_lines(most, [wait](TextWriter& to) {
    to.text("Content-Type: application/problem+json\r\nCache-Control: no-store\r\n");
    if (wait != 0) to.text("Retry-After: ").number(wait).text("\r\n");
  });
  if (!problem.allow.empty()) response.add("Allow", problem.allow);
  response.set_body(render(problem, status));
  return response;
}

Response& Response::add(HeaderName name, std::string_view value) {
  append_line(name.text(), value);
  return *this;
}

Response& Response::add_named(std::string_view name, std::string_view value) {
  if (!HeaderName::may_be_set(name))
    throw std::invalid_argument("a handler cannot set the header " + std::string(name));
  append_line(name, value);
  return *this;
}

void Response::append_line(std::string_view name, std::string_view value) {
  has_content_policy_ = has_content_policy_ || ascii::equal_in_any_case(name, "Content-Security-Policy");
  if (header_lines_.empty()) header_lines_.reserve(header_lines_bytes_usual);
  append_at_most(header_lines_, name.size() + value.size() + 4,
                 [&](TextWriter& to) { to.text(name).text(": ").text(value).text("\r\n"); });
  if (has_control(value)) {
    const auto end = header_lines_.end() - 2;
    std::replace_if(end - static_cast<std::ptrdiff_t>(value.size()), end, is_line_end, ' ');
  }
}

std::optional<std::string_view> Response::header(std::string_view name) const noexcept {
  std::string_view rest = header_lines_;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    const std::size_t colon = line.find(':');
    if (ascii::equal_in_any_case(line.substr(0, colon), name)) return ascii::trim(line.substr(colon + 1));
    rest.remove_prefix(line.size() + 2);
  }
  return std::nullopt;
}

}  // namespace tenon::http
