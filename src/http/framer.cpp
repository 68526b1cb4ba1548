#include "http/framer.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/limits.hpp"
#include "http/ascii.hpp"

namespace tenon::http {
namespace {

constexpr std::size_t buffer_bytes_first = 2 * 1024;  // a usual request; most connections never need more
constexpr std::size_t room_bytes_min = 1024;
constexpr std::size_t kept_bytes_max = 16 * 1024;  // what a connection keeps between requests
constexpr std::string_view end_of_head = "\r\n\r\n";

// No more bytes can make this the begin of a request: say so now instead of at the deadline.
bool is_hopeless(std::string_view partial, std::size_t from) {
  if (!ascii::is_token_char(partial.front())) return true;
  for (std::size_t at = partial.find('\n', from); at != std::string_view::npos; at = partial.find('\n', at + 1))
    if (at == 0 || partial[at - 1] != '\r') return true;
  return false;
}

}  // namespace

std::span<char> Framer::room() {
  if (progress_ != Progress::body && begin_ != 0) {
    // No view points into the buffer between requests and inside a header: what is left moves to the front.
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (capacity_ - end_ < room_bytes_min) grow();
  return {buffer_.get() + end_, capacity_ - end_};
}

// The head of the request being read stays where its views look for it: they move along.
void Framer::grow() {
  const std::size_t larger = std::max(buffer_bytes_first, capacity_ * 2);
  auto grown = std::make_unique_for_overwrite<char[]>(larger);
  if (end_ != 0) std::memcpy(grown.get(), buffer_.get(), end_);
  if (progress_ == Progress::body) {
    const auto moved = [&](std::string_view text) {
      return std::string_view(grown.get() + (text.data() - buffer_.get()), text.size());
    };
    request_.target = moved(request_.target);
    for (Header& header : headers_) header = {.name = moved(header.name), .value = moved(header.value)};
  }
  buffer_ = std::move(grown);
  capacity_ = larger;
}

Framer::Progress Framer::refuse(Problem problem) {
  refusal_ = std::move(problem);
  return progress_ = Progress::refused;
}

Framer::Progress Framer::advance() {
  if (progress_ == Progress::idle || progress_ == Progress::head) return seek_head();
  if (progress_ == Progress::body) return read_body();
  return progress_;
}

Framer::Progress Framer::seek_head() {
  const std::string_view bytes = unread();
  if (bytes.empty()) return progress_ = Progress::idle;
  const std::size_t from = scanned_ < end_of_head.size() ? 0 : scanned_ - end_of_head.size();
  const std::size_t end = bytes.find(end_of_head, from);
  const std::size_t head_bytes = end == std::string_view::npos ? bytes.size() : end + end_of_head.size();
  if (head_bytes > limits::header_bytes_max)
    return refuse(problem(ProblemCode::header_too_large, "the header is too large"));
  if (end != std::string_view::npos) return read_head(head_bytes);
  if (is_hopeless(bytes, from)) return refuse(problem(ProblemCode::malformed_request, "this is not HTTP/1.1"));
  scanned_ = bytes.size();
  return progress_ = Progress::head;
}

Framer::Progress Framer::read_head(std::size_t head_bytes) {
  parser_.emplace(body_bytes_max_, headers_, body_);
  HeadVerdict verdict = parser_->read_head(unread().substr(0, head_bytes));
  request_.request_id = verdict.request_id;
  if (verdict.refusal) return refuse(std::move(*verdict.refusal));
  request_.method = *method_named(parser_->head().method);
  request_.target = parser_->head().target;
  begin_ += head_bytes;
  scanned_ = 0;
  if (parser_->done()) {
    fill_request();
    return progress_ = Progress::complete;
  }
  wants_continue_ = verdict.expects_continue && begin_ == end_;
  progress_ = Progress::body;
  return read_body();
}

Framer::Progress Framer::read_body() {
  if (begin_ == end_) return progress_;
  std::optional<Problem> refusal;
  const std::size_t used = parser_->read_body(unread(), refusal);
  if (refusal) return refuse(std::move(*refusal));
  begin_ += used;
  if (!parser_->done()) {
    // What was consumed lives in body_ now: its place right behind the head is free again.
    const auto head_end =
        static_cast<std::size_t>((headers_.empty() ? request_.target.data() + request_.target.size()
                                                   : headers_.back().value.data() + headers_.back().value.size()) -
                                 buffer_.get());
    std::memmove(buffer_.get() + head_end, buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_ - head_end;
    begin_ = head_end;
    return progress_;
  }
  fill_request();
  return progress_ = Progress::complete;
}

void Framer::fill_request() {
  const std::size_t question = request_.target.find('?');
  request_.path = request_.target.substr(0, question);
  request_.query = question == std::string_view::npos ? std::string_view{} : request_.target.substr(question + 1);
  request_.headers = headers_;
  request_.body = body_;
}

void Framer::release() {
  progress_ = Progress::idle;
  wants_continue_ = false;
  request_.request_id.clear();
  request_.headers = {};
  request_.body = {};
  if (body_.capacity() > kept_bytes_max) std::string().swap(body_);  // an assignment would keep it
  if (begin_ != end_) return;
  begin_ = end_ = 0;
  if (capacity_ > kept_bytes_max) {
    buffer_.reset();
    capacity_ = 0;
  }
}

}  // namespace tenon::http
