// One request, read by Beast's parser: what it reports is kept here, and what it would silently mend is refused.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/head_rules.hpp"

namespace tenon::http {

// Faces untrusted bytes. Memory: the body (bounded), the list of headers (bounded). One parser reads one request.
class RequestParser final : private boost::beast::http::basic_parser<true> {
 public:
  // `headers` and `body` are cleared, and outlive the parser.
  RequestParser(std::size_t body_bytes_max, std::vector<Header>& headers, std::string& body);

  // `head` is everything up to and with the first empty line. The views reported point into it.
  [[nodiscard]] HeadVerdict read_head(std::string_view head);

  // Returns how much of `bytes` was consumed; the rest must be presented again, with more behind it. Call only after
  // read_head refused nothing and while !done().
  [[nodiscard]] std::size_t read_body(std::string_view bytes, std::optional<Problem>& refusal);

  [[nodiscard]] bool done() const { return is_done(); }
  [[nodiscard]] bool keeps_alive() const noexcept { return keeps_alive_; }
  [[nodiscard]] const Head& head() const noexcept { return head_; }

 private:
  using error_code = boost::beast::error_code;
  using view = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb, view method, view target, int version, error_code&) override;
  void on_response_impl(int, view, int, error_code&) override {}
  void on_field_impl(boost::beast::http::field, view name, view value, error_code& ec) override;
  void on_header_impl(error_code&) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override;
  std::size_t on_body_impl(view bytes, error_code&) override;
  void on_chunk_header_impl(std::uint64_t size, view extensions, error_code& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, view bytes, error_code&) override;
  void on_finish_impl(error_code&) override {}

  void refuse(ProblemCode code, const char* detail, error_code& ec);
  [[nodiscard]] std::optional<std::size_t> line_bytes(view name, view value) const;

  std::vector<Header>& headers_;
  std::string& body_;
  Head head_;
  std::string_view input_;  // what the parser reads just now
  std::optional<Problem> refusal_;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  bool in_trailers_ = false;
  bool keeps_alive_ = false;
};

}  // namespace tenon::http
