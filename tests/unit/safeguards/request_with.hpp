// A request that owns its header lines, for tests of what reads them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "http/message.hpp"

namespace tenon::safeguards {

using Lines = std::vector<std::pair<std::string, std::string>>;

class RequestWith {
 public:
  explicit RequestWith(Lines lines = {}) : lines_(std::move(lines)) {
    for (const auto& [name, value] : lines_) headers_.push_back({name, value});
    request_.headers = headers_;
  }
  RequestWith(const RequestWith&) = delete;
  RequestWith& operator=(const RequestWith&) = delete;

  [[nodiscard]] http::Request& operator*() noexcept { return request_; }
  [[nodiscard]] http::Request* operator->() noexcept { return &request_; }

 private:
  Lines lines_;
  std::vector<http::Header> headers_;
  http::Request request_;
};

}  // namespace tenon::safeguards
