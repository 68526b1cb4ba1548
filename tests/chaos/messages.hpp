// PostgreSQL's wire protocol as far as it takes to cut a connection at a step of a commit: where messages begin and
// end, and which of them carry a write. No I/O.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::chaos {

struct Message {
  char type = 0;  // 0: the untyped first message of a connection
  std::string bytes;
};

// Cuts one direction of a connection into whole messages. Bytes that cannot be the protocol make it pass everything on
// from there, piece by piece, with type '?'.
class MessageReader {
 public:
  explicit MessageReader(bool first_is_untyped) : untyped_(first_is_untyped) {}
  [[nodiscard]] std::vector<Message> feed(std::string_view bytes);

 private:
  bool untyped_;
  bool broken_ = false;
  std::string pending_;
};

// Follows what a client says on one connection, and tells its writes from all else by the SQL that it prepared.
class WriteSpotter {
 public:
  // True when this message of the client begins to execute a statement that writes.
  [[nodiscard]] bool begins_write(const Message& message);

 private:
  std::set<std::string, std::less<>> writing_;  // names of prepared statements
};

}  // namespace tenon::chaos
