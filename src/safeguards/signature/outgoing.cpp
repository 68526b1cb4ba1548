#include "safeguards/signature/outgoing.hpp"

#include <algorithm>

#include "http/ascii.hpp"
#include "http/head_rules.hpp"
#include "safeguards/signature/digest.hpp"

namespace tenon::signature {

bool OutgoingRequest::go_to(std::string_view url) {
  const bool over_tls = url.starts_with("https://");
  if (!over_tls && !url.starts_with("http://")) return false;
  url.remove_prefix(over_tls ? 8 : 7);
  const std::size_t end = std::min(url.find_first_of("/?"), url.size());
  const std::string_view authority = url.substr(0, end);
  std::string rest(url.substr(end));
  if (rest.empty() || rest.front() != '/') rest.insert(0, "/");
  if (!http::is_host(authority) || !http::is_origin_form(rest)) return false;
  secure = over_tls;
  host = authority;
  target = std::move(rest);
  return true;
}

void OutgoingRequest::set(std::string_view name, std::string value) {
  std::erase_if(headers, [&](const auto& line) { return http::ascii::equal_in_any_case(line.first, name); });
  headers.emplace_back(name, std::move(value));
}

const std::string* OutgoingRequest::header(std::string_view name) const noexcept {
  for (const auto& [known, value] : headers) {
    if (http::ascii::equal_in_any_case(known, name)) return &value;
  }
  return nullptr;
}

bool add_signature(OutgoingRequest& request, const SigningKey& key, std::string_view key_id, std::string_view nonce,
                   Instant created) {
  request.set("Host", request.host);
  if (!request.body.empty()) {
    if (request.header("Content-Type") == nullptr) request.set("Content-Type", "application/json");
    request.set("Content-Digest", content_digest(request.body));
  }
  for (const std::string_view name : {"Signature-Input", "Signature"}) {
    std::erase_if(request.headers, [&](const auto& line) { return http::ascii::equal_in_any_case(line.first, name); });
  }
  std::vector<http::Header> lines;
  for (const auto& [name, value] : request.headers) lines.push_back({name, value});
  http::Request view;
  view.method = request.method;
  view.target = request.target;
  const std::size_t question = std::min(request.target.find('?'), request.target.size());
  view.path = std::string_view(request.target).substr(0, question);
  view.query = std::string_view(request.target).substr(std::min(question + 1, request.target.size()));
  view.headers = lines;
  view.body = request.body;
  view.secure = request.secure;
  auto made = sign(view, key, key_id, nonce, created);
  if (!made) return false;
  request.set("Signature-Input", std::move(made->input));
  request.set("Signature", std::move(made->signature));
  return true;
}

}  // namespace tenon::signature
