// From a stream of bytes to whole requests, one after the other: no I/O, no clock. It owns the bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "http/message.hpp"
#include "http/request_parser.hpp"

namespace tenon::http {

// Faces untrusted bytes. Memory per connection: one head, what one body may hold, and one chunk's line or trailers.
class Framer {
 public:
  enum class Progress : std::uint8_t {
    idle,      // between requests: not one byte of the next has come
    head,      // in the middle of a header
    body,      // in the middle of a body
    complete,  // request() is whole; release() makes room for the next
    refused,   // refusal() says why; nothing that follows on this connection can be trusted
  };

  explicit Framer(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  // Where to put bytes next; never empty. Invalidated by every other call.
  [[nodiscard]] std::span<char> room();
  void received(std::size_t bytes) noexcept { end_ += bytes; }

  [[nodiscard]] Progress advance();

  // True once per request: the client waits for "100 Continue" and has sent nothing of its body yet.
  [[nodiscard]] bool take_continue() noexcept { return std::exchange(wants_continue_, false); }

  [[nodiscard]] Request& request() noexcept { return request_; }  // peer, secure and a missing request_id: the caller's
  [[nodiscard]] bool keeps_alive() const noexcept { return parser_->keeps_alive(); }
  [[nodiscard]] bool is_http_1_0() const noexcept { return parser_->head().version < 11; }
  [[nodiscard]] const Problem& refusal() const noexcept { return *refusal_; }
  void release();

 private:
  Progress refuse(Problem problem);
  Progress seek_head();
  Progress read_head(std::size_t head_bytes);
  Progress read_body();
  void fill_request();
  void grow();
  [[nodiscard]] std::string_view unread() const noexcept { return {buffer_.get() + begin_, end_ - begin_}; }

  std::size_t body_bytes_max_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;    // of what is not consumed yet
  std::size_t end_ = 0;      // of what was received
  std::size_t scanned_ = 0;  // bytes of unread() known to hold no end of a header
  Progress progress_ = Progress::idle;
  bool wants_continue_ = false;
  std::optional<RequestParser> parser_;
  std::optional<Problem> refusal_;
  std::vector<Header> headers_;
  std::string body_;
  Request request_;
};

}  // namespace tenon::http
