#include "writes/decode.hpp"

#include <stdexcept>

namespace tenon::writes {
namespace {

using postgres::ArrayReader;
using postgres::Type;

ArrayReader column(const postgres::Rows& rows, int number, Type element, std::size_t commands) {
  const auto bytes = rows.get(0, number);
  if (!bytes) throw std::runtime_error("an operation returned a null column");
  ArrayReader reader(*bytes, element);
  if (reader.size() != commands)
    throw std::runtime_error("an operation returned another number of replies than commands");
  return reader;
}

std::optional<std::int64_t> next_int(ArrayReader& reader) {
  const auto bytes = reader.next();
  if (!bytes) return std::nullopt;
  return postgres::read_int(*bytes);
}

std::optional<Instant> next_instant(ArrayReader& reader) {
  const auto bytes = reader.next();
  if (!bytes) return std::nullopt;
  return postgres::read_instant(*bytes);
}

// What reads and writes have in common, from column `first` on: statuses, problems, bodies, versions, modified.
void decode_answers(std::vector<Reply>& replies, const postgres::Rows& rows, int first) {
  const std::size_t n = replies.size();
  ArrayReader statuses = column(rows, first, Type::int2, n);
  ArrayReader problems = column(rows, first + 1, Type::text, n);
  ArrayReader bodies = column(rows, first + 2, Type::text, n);
  ArrayReader versions = column(rows, first + 3, Type::int8, n);
  ArrayReader modified = column(rows, first + 4, Type::timestamptz, n);
  for (Reply& reply : replies) {
    reply.status = static_cast<std::uint16_t>(next_int(statuses).value_or(0));
    if (const auto name = problems.next()) {
      reply.problem = problem_named(*name).value_or(ProblemCode::internal_error);
    }
    reply.body = bodies.next().value_or("");
    if (reply.problem == ProblemCode::internal_error) {
      reply.status = problem(ProblemCode::internal_error).status();
      reply.body.clear();
    }
    reply.version = next_int(versions);
    reply.modified = next_instant(modified);
  }
}

}  // namespace

std::vector<Reply> decode_replies(const postgres::Rows& rows, std::size_t commands, Monotonic asked_at) {
  if (rows.size() != 1) throw std::runtime_error("an operation must return one row of arrays");
  std::vector<Reply> replies(commands);
  if (rows.columns() == 5) {
    decode_answers(replies, rows, 0);
    return replies;
  }
  decode_answers(replies, rows, 1);
  ArrayReader origins = column(rows, 0, Type::int2, commands);
  ArrayReader locations = column(rows, 6, Type::text, commands);
  ArrayReader expires = column(rows, 7, Type::timestamptz, commands);
  ArrayReader audit_ids = column(rows, 8, Type::int8, commands);
  const auto answered_at = rows.get(0, 9);
  for (Reply& reply : replies) {
    reply.origin = static_cast<Reply::Origin>(next_int(origins).value_or(0));  // null: nothing is stored
    reply.location = locations.next().value_or("");
    reply.expires = next_instant(expires);
    if (reply.expires && answered_at)
      reply.known_until = asked_at + (*reply.expires - postgres::read_instant(*answered_at));
    reply.audit_id = next_int(audit_ids);
  }
  return replies;
}

}  // namespace tenon::writes
