// A second reading of RFC 9112, written as plainly as can be and over the whole input at once: what the server makes of
// the same bytes must be just this. Shares nothing with src/http but the numbers in base/limits.hpp.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon::fuzz {

struct ReferenceRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  bool last = false;  // the connection ends with it
  bool operator==(const ReferenceRequest&) const = default;
};

struct ReferenceReading {
  enum class End : std::uint8_t {
    between,  // at the end of a request, or the last one was one
    inside,   // the bytes end in the middle of a request that may still become one
    refused,  // no more bytes can make this a request
  };
  std::vector<ReferenceRequest> requests = {};
  End end = End::between;
};

[[nodiscard]] ReferenceReading read_by_reference(std::string_view bytes, std::size_t body_bytes_max);

}  // namespace tenon::fuzz
