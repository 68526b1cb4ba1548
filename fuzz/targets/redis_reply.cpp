// RESP2 as it comes from a server, whole and in pieces.
#include <vector>

#include "base/limits.hpp"
#include "fuzz/target.hpp"
#include "redis/resp.hpp"

namespace tenon::fuzz {
namespace {

std::size_t bytes_of(const redis::Reply& reply) {
  check(reply.elements.size() <= limits::redis_reply_elements_max, "an array is bounded");
  std::size_t bytes = reply.text.size();
  for (const redis::Reply& element : reply.elements) bytes += bytes_of(element);
  return bytes;
}

struct Heard {
  std::vector<redis::Reply> replies = {};
  bool failed = false;
};

void take(redis::Reader& reader, Heard& heard) {
  while (auto reply = reader.next()) {
    check(bytes_of(*reply) <= limits::redis_reply_bytes_max, "a reply is bounded");
    check(reply->is_error() || reply->error_name().empty(), "only errors have an error's name");
    heard.replies.push_back(std::move(*reply));
  }
  heard.failed = !reader.error().empty();
}

}  // namespace

void redis_reply(std::string_view input);
void redis_reply(std::string_view input) {
  Heard whole;
  redis::Reader at_once;
  if (at_once.feed(input)) take(at_once, whole);
  Heard pieces;
  redis::Reader bit_by_bit;
  for (Pieces cut(input); !cut.empty() && !pieces.failed;)
    if (bit_by_bit.feed(cut.next(4096))) take(bit_by_bit, pieces);
  check(whole.replies == pieces.replies, "how the bytes arrive makes no difference");
  check(whole.failed == pieces.failed, "how the bytes arrive makes no error");
}

}  // namespace tenon::fuzz
