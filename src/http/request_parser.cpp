#include "http/request_parser.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include "base/limits.hpp"
#include "http/ascii.hpp"

namespace tenon::http {
namespace {

namespace beast_http = boost::beast::http;

constexpr std::size_t body_reserve_max = 16 * 1024;  // what a mere Content-Length may make us set aside
constexpr std::size_t chunk_size_digits_max = 16;

std::string_view std_view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// Beast waits for the end of a chunk's line, and of all trailers, however long they grow and whatever they hold.
std::optional<Problem> refuse_hopeless(std::string_view unread) {
  // The end of the chunk before, as far as it is there.
  unread.remove_prefix(unread.starts_with("\r\n") ? 2 : unread == "\r" ? 1 : 0);
  const std::size_t line = std::min(unread.find("\r\n"), unread.size());
  const bool is_chunk = line == 0 || ascii::hex_value(unread.front()) >= 0;
  if (!is_chunk || unread.substr(0, line).find('\n') != std::string_view::npos)
    return problem(ProblemCode::malformed_request, "this is not a chunk");
  if (line > chunk_size_digits_max + limits::chunk_extension_bytes_max + 1)
    return problem(ProblemCode::malformed_request, "a chunk's line is too long");
  if (unread.size() > line + 2 + limits::trailer_bytes_max + 4)
    return problem(ProblemCode::header_too_large, "the trailers are too large");
  return std::nullopt;
}

}  // namespace

RequestParser::RequestParser(std::size_t body_bytes_max, std::vector<Header>& headers, std::string& body)
    : headers_(headers), body_(body) {
  header_limit(static_cast<std::uint32_t>(limits::header_bytes_max + limits::trailer_bytes_max));
  body_limit(body_bytes_max);
  headers_.clear();
  body_.clear();
}

HeadVerdict RequestParser::read_head(std::string_view head) {
  input_ = head;
  error_code ec;
  const std::size_t used = put(boost::asio::const_buffer(head.data(), head.size()), ec);
  HeadVerdict verdict;
  if (ec && ec != beast_http::error::body_limit) {
    verdict.refusal = refusal_ ? std::move(refusal_) : problem(ProblemCode::malformed_request, ec.message());
    return verdict;
  }
  head_.headers = headers_;
  verdict = judge(head_);
  // Before the refusals that stand behind it in order of precedence, but after the malformed.
  if (ec && (!verdict.refusal || verdict.refusal->code > ProblemCode::body_too_large))
    verdict.refusal = problem(ProblemCode::body_too_large);
  // The head we cut out and the head the parser saw must be one and the same.
  if (!ec && used != head.size()) verdict.refusal = problem(ProblemCode::malformed_request, "malformed header");
  return verdict;
}

std::size_t RequestParser::read_body(std::string_view bytes, std::optional<Problem>& refusal) {
  input_ = bytes;
  eager(true);
  error_code ec;
  const std::size_t used = put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
  if (refusal_) {
    refusal = std::move(refusal_);
  } else if (ec == beast_http::error::body_limit) {
    refusal = problem(ProblemCode::body_too_large);
  } else if (ec && ec != beast_http::error::need_more) {
    refusal = problem(ProblemCode::malformed_request, ec.message());
  } else if (!is_done() && chunked()) {
    refusal = refuse_hopeless(bytes.substr(used));
  }
  return used;
}

void RequestParser::refuse(ProblemCode code, const char* detail, error_code& ec) {
  refusal_ = problem(code, detail);
  ec = beast_http::error::bad_field;
}

void RequestParser::on_request_impl(beast_http::verb, view method, view target, int version, error_code&) {
  head_.method = std_view(method);
  head_.target = std_view(target);
  head_.version = version;
}

// The length of the field's line without its CRLF; nothing when the line was folded (RFC 9112 section 5.2): the parser
// unfolds it into a buffer of its own, or begins the value on a later line than the name.
std::optional<std::size_t> RequestParser::line_bytes(view name, view value) const {
  const char* const colon = name.data() + name.size();
  if (value.data() <= colon || value.data() > input_.data() + input_.size()) return std::nullopt;
  const std::string_view gap(colon + 1, static_cast<std::size_t>(value.data() - colon - 1));
  if (!ascii::trim(gap).empty()) return std::nullopt;
  auto end = static_cast<std::size_t>(value.data() + value.size() - input_.data());
  while (end < input_.size() && input_[end] != '\r') ++end;  // seldom more than a space
  return end - static_cast<std::size_t>(name.data() - input_.data());
}

void RequestParser::on_field_impl(beast_http::field, view name, view value, error_code& ec) {
  const auto bytes = line_bytes(name, value);
  if (!bytes) return refuse(ProblemCode::malformed_request, "a header line is folded", ec);
  if (in_trailers_) {
    // Checked and forgotten: a trailer never becomes a header.
    trailer_bytes_ += *bytes + 2;
    if (trailer_bytes_ > limits::trailer_bytes_max)
      refuse(ProblemCode::header_too_large, "the trailers are too large", ec);
    return;
  }
  if (*bytes > limits::header_line_bytes_max)
    return refuse(ProblemCode::header_too_large, "a header line is too long", ec);
  if (headers_.size() == limits::header_count_max)
    return refuse(ProblemCode::header_too_large, "too many header lines", ec);
  headers_.push_back({.name = std_view(name), .value = std_view(value)});
}

void RequestParser::on_header_impl(error_code&) { keeps_alive_ = keep_alive(); }

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) {
  if (length) body_.reserve(std::min<std::size_t>(*length, body_reserve_max));
}

std::size_t RequestParser::on_body_impl(view bytes, error_code&) {
  body_.append(bytes.data(), bytes.size());
  return bytes.size();
}

void RequestParser::on_chunk_header_impl(std::uint64_t size, view extensions, error_code& ec) {
  extension_bytes_ += extensions.size();
  if (extension_bytes_ > limits::chunk_extension_bytes_max)
    return refuse(ProblemCode::malformed_request, "too many bytes in chunk extensions", ec);
  // Beast takes any byte between quotes. Who ends lines at a bare LF would find the chunk's data begin in there.
  if (std::ranges::any_of(extensions, [](char c) { return ascii::is_control(c) && c != '\t'; }))
    return refuse(ProblemCode::malformed_request, "a control character in a chunk extension", ec);
  in_trailers_ = size == 0;
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, view bytes, error_code&) {
  body_.append(bytes.data(), bytes.size());
  return bytes.size();
}

}  // namespace tenon::http
