// What makes a request's head one unambiguous request, where the parser underneath would let it pass (RFC 9112). Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/problem.hpp"
#include "http/message.hpp"

namespace tenon::http {

// origin-form: begins with a slash; visible ASCII only; no fragment.
[[nodiscard]] bool is_origin_form(std::string_view target) noexcept;

// uri-host [":" port], RFC 9110 section 7.2; empty is refused: every request here is for a server with a name.
[[nodiscard]] bool is_host(std::string_view value) noexcept;

// 1 to 128 characters of [A-Za-z0-9._~:+/=-].
[[nodiscard]] bool is_request_id(std::string_view value) noexcept;

// The head of a request as the parser read it.
struct Head {
  std::string_view method;
  std::string_view target;
  int version = 11;  // 10 or 11
  std::span<const Header> headers;
};

// What the rules need beyond the head itself.
struct HeadVerdict {
  std::optional<Problem> refusal;  // the first in the order of ProblemCode
  bool expects_continue = false;   // the client waits for 100 before it sends the body
  std::string_view request_id;     // the caller's, when sent once and well-formed; else empty
};

[[nodiscard]] HeadVerdict judge(const Head& head);

}  // namespace tenon::http
