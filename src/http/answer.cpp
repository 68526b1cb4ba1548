#include "http/answer.hpp"

#include <array>

#include "base/text_writer.hpp"

namespace tenon::http {
namespace {

// What a browser must not make of our answers: another type than they say, a part of another site's page, a place to
// load anything from, a name to tell others.
constexpr std::string_view for_browsers =
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n";
constexpr std::string_view content_policy = "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n";
constexpr std::string_view only_over_tls = "Strict-Transport-Security: max-age=31536000\r\n";
// All lines that are the session's: the names and the ends of those whose values are counted where they are known.
constexpr std::size_t own_lines_characters_max =
    for_browsers.size() + content_policy.size() + only_over_tls.size() + 2 * number_characters_max + 192;

void append_two_digits(std::string& out, unsigned number) {
  out.push_back(static_cast<char>('0' + number / 10 % 10));
  out.push_back(static_cast<char>('0' + number % 10));
}

}  // namespace

std::string_view reason_phrase(std::uint16_t status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 425:
      return "Too Early";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "";
  }
}

void append_answer(std::string& out, const Response& response, const AnswerFrame& frame) {
  const std::uint16_t status = response.status();
  const bool has_body = status != 204 && status != 304;
  const std::string_view body = has_body && !frame.head_only ? std::string_view(response.body()) : std::string_view();
  const std::size_t most = own_lines_characters_max + frame.date.size() + frame.request_id.size() +
                           response.header_lines().size() + body.size();
  append_at_most(out, most, [&](TextWriter& to) {
    to.text("HTTP/1.1 ").number(status).text(" ").text(reason_phrase(status));
    to.text("\r\nServer: tenon\r\nDate: ").text(frame.date).text("\r\nX-Request-Id: ").text(frame.request_id);
    to.text("\r\n").text(for_browsers);
    if (!response.has_content_policy()) to.text(content_policy);
    if (frame.secure) to.text(only_over_tls);
    to.text(response.header_lines());
    if (has_body) to.text("Content-Length: ").number(response.body().size()).text("\r\n");
    if (frame.closes) {
      to.text("Connection: close\r\n");
    } else if (frame.keep_alive) {
      to.text("Connection: keep-alive\r\n");
    }
    to.text("\r\n").text(body);
  });
}

std::string http_date(std::chrono::sys_seconds at) {
  static constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  std::string out(days[std::chrono::weekday(day).c_encoding()]);
  out.append(", ");
  append_two_digits(out, static_cast<unsigned>(date.day()));
  out.append(" ").append(months[static_cast<unsigned>(date.month()) - 1]).append(" ");
  out.append(std::to_string(static_cast<int>(date.year())));
  out.append(" ");
  append_two_digits(out, static_cast<unsigned>(time.hours().count()));
  out.append(":");
  append_two_digits(out, static_cast<unsigned>(time.minutes().count()));
  out.append(":");
  append_two_digits(out, static_cast<unsigned>(time.seconds().count()));
  out.append(" GMT");
  return out;
}

}  // namespace tenon::http
