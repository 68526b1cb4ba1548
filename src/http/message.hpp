// A request as a handler sees it and the response it gives: values that know bytes and verbs, and no safeguard by name.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/problem.hpp"
#include "base/text_writer.hpp"
#include "http/ascii.hpp"

namespace tenon::http {

enum class Method : std::uint8_t { get, head, post, put, patch, delete_, options };
inline constexpr std::size_t method_count = 7;

[[nodiscard]] std::string_view name_of(Method method) noexcept;
[[nodiscard]] std::optional<Method> method_named(std::string_view name) noexcept;  // case matters, RFC 9110 section 9.1

struct Header {
  std::string_view name;
  std::string_view value;  // without leading and trailing white space
};

// One whole, well-framed request. All views point into the session's buffers and live until its answer is returned.
struct Request {
  Method method = Method::get;
  std::string_view target;  // as sent: origin-form
  std::string_view path;    // up to "?", still percent-encoded
  std::string_view query;   // after "?", still percent-encoded; empty if none
  std::span<const Header> headers;
  std::string_view body;
  boost::asio::ip::address peer;  // the socket's other end; unspecified for a Unix socket
  bool secure = false;            // over TLS
  std::string request_id;         // the caller's X-Request-Id when well-formed, else made here

  // Names in any case. `value`: the last one's; empty when there is none.
  struct Found {
    std::size_t count = 0;
    std::string_view value;
  };
  [[nodiscard]] Found find(std::string_view name) const noexcept;
  // The value of the header that occurs exactly once; nothing when it is missing or repeated.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept { return find(name).count; }
};

// The name of a header that an answer may set, looked at where it is written down: a name that is no token, or one of a
// header that is the session's to write, does not compile.
class HeaderName {
 public:
  consteval HeaderName(const char* text) : text_(text) {  // NOLINT: implicit on purpose
    if (!may_be_set(text_)) throw "not a header that a handler may set";
  }
  [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }

  // Of a name that is not known before.
  [[nodiscard]] static constexpr bool may_be_set(std::string_view name) noexcept {
    return ascii::is_token(name) && std::ranges::none_of(of_the_session, [&](std::string_view own) {
             return ascii::equal_in_any_case(own, name);
           });
  }

 private:
  // A second line of these would let a handler frame the answer twice.
  static constexpr std::array<std::string_view, 7> of_the_session{
      "Date", "Server", "Connection", "Keep-Alive", "X-Request-Id", "Content-Length", "Transfer-Encoding"};
  std::string_view text_;
};

// An answer. Framing headers (Content-Length, Connection, Date, Server) and X-Request-Id are the session's to write.
class Response {
 public:
  Response() = default;
  explicit Response(std::uint16_t status) : status_(status) {}

  [[nodiscard]] static Response json(std::uint16_t status, std::string body);
  // application/problem+json with Retry-After, Allow and Cache-Control: no-store as the problem asks.
  [[nodiscard]] static Response refusal(const Problem& problem);
  [[nodiscard]] static Response refusal(const Problem& problem, std::uint16_t status);

  // Appends a header line. CR, LF and NUL in a value are replaced by spaces: nobody can split a response.
  Response& add(HeaderName name, std::string_view value);
  // Appends several lines at once: "Name: value\r\n" each, which `write` writes with a TextWriter&, `most` characters
  // at most. Nothing is looked at, so all of it must be ours: names that a handler may set, and in the values no text
  // that a client could have chosen.
  template <class Write>
  void add_lines(std::size_t most, const Write& write) {
    append_at_most(header_lines_, most, write);
  }
  // Throws std::invalid_argument for a name that a handler may not set.
  Response& add_named(std::string_view name, std::string_view value);
  void set_body(std::string body) { body_ = std::move(body); }
  void close_after() noexcept { close_ = true; }  // end the connection once this is sent

  [[nodiscard]] std::uint16_t status() const noexcept { return status_; }
  [[nodiscard]] const std::string& header_lines() const noexcept { return header_lines_; }     // each ends in CRLF
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;  // first of that name
  [[nodiscard]] const std::string& body() const noexcept { return body_; }
  [[nodiscard]] bool closes() const noexcept { return close_; }
  [[nodiscard]] std::optional<ProblemCode> refused_for() const noexcept { return refused_for_; }  // refusal()'s problem
  // Has it a Content-Security-Policy of its own? Every other answer gets the strictest one.
  [[nodiscard]] bool has_content_policy() const noexcept { return has_content_policy_; }

 private:
  void append_line(std::string_view name, std::string_view value);

  std::uint16_t status_ = 200;
  bool close_ = false;
  std::optional<ProblemCode> refused_for_;
  bool has_content_policy_ = false;
  std::string header_lines_;
  std::string body_;
};

}  // namespace tenon::http
