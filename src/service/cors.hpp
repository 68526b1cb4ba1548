// Cross-origin requests of browsers (Fetch standard, "CORS protocol"): off unless origins are named.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"

namespace tenon::service {

// Whose pages may read our answers. Says nothing about what is executed: that is the bearer token's to say, which a
// browser never sends by itself. So credentials in the Fetch standard's sense (cookies, client certificates) are never
// allowed, and
// `*` is not to be had.
class Cors {
 public:
  Cors() = default;
  // Each an origin as browsers write it: "https://shop.example", "http://localhost:3000"; lower case, no path, no
  // default port. std::invalid_argument says which is not.
  explicit Cors(std::vector<std::string> origins);

  [[nodiscard]] bool enabled() const noexcept { return !origins_.empty(); }
  [[nodiscard]] static bool is_preflight(const http::Request& request) noexcept;
  // The answer to a preflight about a path that takes the methods `allow` ("GET, HEAD"): 204, or forbidden for an
  // origin that is none of ours.
  [[nodiscard]] Result<http::Response> preflight(const http::Request& request, std::string_view allow) const;
  // What any other answer needs so that a page of an allowed origin may read it; `Vary: Origin` in any case.
  void add_headers(http::Response& response, const http::Request& request) const;

 private:
  [[nodiscard]] std::optional<std::string_view> allowed_origin(const http::Request& request) const noexcept;
  std::vector<std::string> origins_;
};

}  // namespace tenon::service
