// From the row of arrays that an operation returns to one reply a command.
#pragma once

#include <vector>

#include "postgres/connection.hpp"
#include "writes/reply.hpp"

namespace tenon::writes {

// `asked_at`: before the statement was sent. Throws std::runtime_error when the row is of neither shape that Operation
// knows, or not of `commands` elements.
[[nodiscard]] std::vector<Reply> decode_replies(const postgres::Rows& rows, std::size_t commands, Monotonic asked_at);

}  // namespace tenon::writes
