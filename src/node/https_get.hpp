// One GET over HTTPS, for the few small documents that a node fetches by itself. Blocks its thread.
#pragma once

#include <chrono>
#include <expected>
#include <filesystem>
#include <stop_token>
#include <string>

namespace tenon {

struct HttpsGet {
  std::string url;                         // https:// only; redirects are not followed
  std::filesystem::path authorities = {};  // PEM certificates to trust instead of the system's; empty: the system's
  std::chrono::milliseconds deadline;      // for all of it
  std::size_t bytes_max;                   // of the body
};

// The body of a 200, or one sentence that says what went wrong; it never repeats the URL's user, password or query. A
// request to stop ends it at once. Certificate and host name are always verified.
[[nodiscard]] std::expected<std::string, std::string> https_get(const HttpsGet& get, const std::stop_token& stop);

}  // namespace tenon
