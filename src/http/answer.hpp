// An answer's bytes: the status line, the headers that are the session's to write, the handler's own, the body.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace tenon::http {

struct AnswerFrame {
  std::string_view request_id = {};
  std::string_view date = {};  // as http_date() writes it
  bool head_only = false;      // the answer to HEAD
  bool closes = false;         // nothing follows on this connection
  bool secure = false;         // over TLS: browsers are told to come no other way
  bool keep_alive = false;     // an HTTP/1.0 client asked to keep the connection, and may
};

void append_answer(std::string& out, const Response& response, const AnswerFrame& frame);

[[nodiscard]] std::string_view reason_phrase(std::uint16_t status) noexcept;

// IMF-fixdate, RFC 9110 section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string http_date(std::chrono::sys_seconds at);

}  // namespace tenon::http
