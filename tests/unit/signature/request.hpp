// A request that owns its parts, and can be changed in any of them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "http/message.hpp"

namespace tenon::signature {

struct TestRequest {
  http::Method method = http::Method::post;
  std::string target = "/foo?param=Value&Pet=dog";
  std::vector<std::pair<std::string, std::string>> lines = {};
  std::string body = {};
  bool secure = true;

  [[nodiscard]] http::Request view() {
    headers.clear();
    for (const auto& [name, value] : lines) headers.push_back({name, value});
    const std::size_t question = target.find('?');
    http::Request request;
    request.method = method;
    request.target = target;
    request.path = std::string_view(target).substr(0, question);
    request.query = question == std::string::npos ? std::string_view() : std::string_view(target).substr(question + 1);
    request.headers = headers;
    request.body = body;
    request.secure = secure;
    return request;
  }
  // Replaces the first line of that name, or adds one.
  TestRequest& set(const std::string& name, std::string value) {
    for (auto& [known, old] : lines) {
      if (known == name) {
        old = std::move(value);
        return *this;
      }
    }
    lines.emplace_back(name, std::move(value));
    return *this;
  }
  TestRequest& remove(const std::string& name) {
    std::erase_if(lines, [&](const auto& line) { return line.first == name; });
    return *this;
  }

  std::vector<http::Header> headers = {};
};

}  // namespace tenon::signature
