// A request whose header lines an input wrote: no parser before it, so any byte may be in them.
#pragma once

#include <vector>

#include "fuzz/target.hpp"
#include "http/message.hpp"

namespace tenon::fuzz {

class RequestOf {
 public:
  // Lines "Name: value" up to an empty one, or to the end. At most 100.
  explicit RequestOf(Input& in) {
    while (!in.empty() && headers_.size() < 100) {
      const std::string_view line = in.line();
      if (line.empty()) break;
      const std::size_t colon = line.find(':');
      std::string_view value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      headers_.push_back({.name = line.substr(0, colon), .value = value});
    }
    request_.method = http::Method::patch;
    request_.target = request_.path = "/api/inventory/7";
    request_.headers = headers_;
  }
  RequestOf(const RequestOf&) = delete;
  RequestOf& operator=(const RequestOf&) = delete;

  [[nodiscard]] http::Request& get() noexcept { return request_; }
  [[nodiscard]] const http::Request& get() const noexcept { return request_; }

 private:
  std::vector<http::Header> headers_;
  http::Request request_;
};

}  // namespace tenon::fuzz
