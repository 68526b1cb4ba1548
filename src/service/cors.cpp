#include "service/cors.hpp"

#include <algorithm>
#include <stdexcept>

#include "http/ascii.hpp"
#include "http/head_rules.hpp"

namespace tenon::service {
namespace {

constexpr std::string_view request_headers =
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-Match-Version, If-None-Match, If-Unmodified-Since, "
    "Content-Digest, Signature, Signature-Input, X-Request-Id";
constexpr std::string_view response_headers =
    "Audit-Id, ETag, Idempotency-Expires, Idempotency-Key, Idempotency-Status, Location, RateLimit, RateLimit-Policy, "
    "Retry-After, WWW-Authenticate, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id";
constexpr std::string_view preflight_seconds = "600";

bool is_origin(std::string_view text) {
  const bool secure = text.starts_with("https://");
  if (!secure && !text.starts_with("http://")) return false;
  const std::string_view host = text.substr(secure ? 8 : 7);
  if (!http::is_host(host) || host.ends_with(':') || host.ends_with(secure ? ":443" : ":80")) return false;
  return std::ranges::all_of(text, [](char c) { return http::ascii::lower(c) == c; });
}

}  // namespace

Cors::Cors(std::vector<std::string> origins) : origins_(std::move(origins)) {
  for (const std::string& origin : origins_) {
    if (!is_origin(origin)) {
      throw std::invalid_argument(
          "\"" + origin +
          "\" is not an origin as browsers write it: https://shop.example, in lower case, without "
          "path, slash at the end or default port");
    }
  }
}

std::optional<std::string_view> Cors::allowed_origin(const http::Request& request) const noexcept {
  const auto origin = request.header("Origin");
  if (!origin || std::ranges::find(origins_, *origin) == origins_.end()) return std::nullopt;
  return origin;
}

bool Cors::is_preflight(const http::Request& request) noexcept {
  return request.method == http::Method::options && request.header("Origin") &&
         request.header("Access-Control-Request-Method");
}

Result<http::Response> Cors::preflight(const http::Request& request, std::string_view allow) const {
  const auto origin = allowed_origin(request);
  if (!origin) return problem(ProblemCode::forbidden, "Pages of this origin may not ask.");
  http::Response response(204);
  response.add("Access-Control-Allow-Origin", *origin)
      .add("Access-Control-Allow-Methods", allow)
      .add("Access-Control-Allow-Headers", request_headers)
      .add("Access-Control-Max-Age", preflight_seconds)
      .add("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  return response;
}

void Cors::add_headers(http::Response& response, const http::Request& request) const {
  response.add("Vary", "Origin");
  if (const auto origin = allowed_origin(request)) {
    response.add("Access-Control-Allow-Origin", *origin).add("Access-Control-Expose-Headers", response_headers);
  }
}

}  // namespace tenon::service
