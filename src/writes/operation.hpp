// What a node can ask of the database: batches of one operation at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/limits.hpp"
#include "postgres/value.hpp"

namespace tenon::writes {

// One value of a command. It must fit its column's type: int64 for int4/int8, string for text and jsonb. monostate:
// null.
using Argument = std::variant<std::monostate, std::int64_t, std::string, Uuid, Instant>;

// One SQL statement over a whole batch: every parameter is an array with one element a command. It returns one row of
// arrays with one element a command, in order: tenon.replies, or (reads) its five columns statuses, problems, bodies,
// versions and modified. Made once at start; outlives every lane.
struct Operation {
  enum class Kind : std::uint8_t {
    write,  // $1..$8 are the envelope (see sql/migrations/0004), then the columns; returns tenon.replies
    read,   // the columns only; returns statuses int2[], problems text[], bodies text[], versions int8[], modified
            // timestamptz[]
  };
  std::string name;  // of the prepared statement and in metrics
  Kind kind = Kind::write;
  std::string statement;
  std::vector<postgres::Type> columns;
  // Of a write: the same for a batch in which some commands are signed. After the columns come nonces uuid[], attempts
  // uuid[], key ids uuid[] and created timestamptz[], null where a command is not signed
  // (sql/migrations/*_signatures.sql). Empty: the nonce is taken into use in a transaction before the write's own.
  std::string signed_statement = {};
  std::size_t batch_commands_max = limits::batch_commands_max;
};

// A write through a function registered with tenon.register_operation: its one column is the command's JSON arguments.
[[nodiscard]] Operation registered_write(std::string name);

// Reads. `statement` is one of sql/queries.
[[nodiscard]] Operation read(std::string name, std::string_view statement, std::vector<postgres::Type> columns);
// A list is run by itself: its statement takes arrays of one element.
[[nodiscard]] Operation read_list(std::string name, std::string_view statement, std::vector<postgres::Type> columns);

// What a handler makes of a request: which operation, on what.
struct Call {
  const Operation* operation = nullptr;
  std::vector<Argument> arguments;
  // Commands of equal affinity go through one lane (but for one that is alone), so that within a node no two
  // transactions fight for one row. Any value will do where nothing is shared. affinity_of() makes it from the entity's
  // id.
  std::uint64_t affinity = 0;
  // A role that this write takes beyond what its route asks for: the answer, too, is only shown to who still has it.
  std::string_view role = {};
};
[[nodiscard]] std::uint64_t affinity_of(const Uuid& entity) noexcept;

}  // namespace tenon::writes
