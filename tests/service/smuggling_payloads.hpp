// Bytes that two readers of HTTP/1.1 could take for different requests, each with a whole request hidden in them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tenon::test {

struct Payload {
  std::string name;
  std::string bytes;
};

// `hidden` is a whole request. A reader that goes by RFC 9112 and does not mend what is wrong finds it in none of them.
[[nodiscard]] std::vector<Payload> smuggling_payloads(std::string_view hidden);

}  // namespace tenon::test
