// Requests as a client of the API makes them, and a look into the JSON of its answers.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/raw_client.hpp"

namespace tenon::test {

struct ApiCall {
  std::string method = "GET";
  std::string path = {};   // with its query
  std::string token = {};  // bearer; empty: no Authorization header
  std::string key = {};    // the Idempotency-Key header's value; empty: no such header
  std::string body = {};   // JSON; empty: none
  std::vector<std::pair<std::string, std::string>> headers = {};  // further ones; a Content-Type replaces ours
};
[[nodiscard]] std::string bytes_of(const ApiCall& call);

// Connects once a call, sends all of them, and only then reads the answers: in the order of the calls.
[[nodiscard]] std::vector<RawResponse> send_all(std::uint16_t port, const std::vector<ApiCall>& calls,
                                                std::chrono::milliseconds patience = std::chrono::seconds(30));

// What stands at a path such as "lines.0.available": a string's content, a number's digits, "true", "false", "null",
// or "{…}" and "[N]" for an object and an array of N. "(nothing)" when there is no such member, "(not JSON)" when the
// text isn't.
[[nodiscard]] std::string at(std::string_view json, std::string_view path);

// A problem's `code`, for the answers that should be refusals.
[[nodiscard]] std::string code_of(const RawResponse& response);

// An answer without what each sending has of its own: Date, X-Request-Id, RateLimit-*, Idempotency-Status.
[[nodiscard]] std::string lasting_part(const RawResponse& response);

}  // namespace tenon::test
