// A request before it is sent, which owns its parts; and how it becomes a signed one. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "safeguards/signature/sign.hpp"

namespace tenon::signature {

struct OutgoingRequest {
  http::Method method = http::Method::get;
  bool secure = false;       // https
  std::string host;          // host[:port]
  std::string target = "/";  // path?query, percent-encoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // Sets secure, host and target from "http(s)://host[:port]/path?query". False: it is none, and nothing is changed.
  bool go_to(std::string_view url);
  // Replaces all lines of that name by one.
  void set(std::string_view name, std::string value);
  [[nodiscard]] const std::string* header(std::string_view name) const noexcept;  // the first of that name; null: none
};

// Sets Host, with a body Content-Type (application/json, unless there is one) and Content-Digest, and then
// Signature-Input and Signature over all that must be covered. Earlier signatures go. False when it cannot be signed:
// what is to be covered is not ASCII.
[[nodiscard]] bool add_signature(OutgoingRequest& request, const SigningKey& key, std::string_view key_id,
                                 std::string_view nonce, Instant created);

}  // namespace tenon::signature
