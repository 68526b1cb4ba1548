// From a batch of commands to the arrays that its operation is given, one a column.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "postgres/connection.hpp"
#include "writes/command.hpp"

namespace tenon::writes {

[[nodiscard]] bool is_any_signed(std::span<const std::shared_ptr<Command>> batch) noexcept;

// `batch` is of one operation, one command at least. Fills both from anew; `parameters` refers to `columns`, which
// outlives it.
void encode_batch(std::span<const std::shared_ptr<Command>> batch, std::vector<postgres::ArrayParameter>& columns,
                  postgres::Parameters& parameters);

}  // namespace tenon::writes
