// Lists of what belongs to the caller.
#pragma once

#include "service/input.hpp"

namespace tenon::crime {

// `list` has the columns owner, after, limit.
[[nodiscard]] inline Result<writes::Call> own_list(const writes::Operation& list, const service::Incoming& in) {
  static constexpr std::string_view known[] = {"limit", "cursor"};
  if (auto refusal = service::check_query(in.query, known)) return std::move(*refusal);
  const auto limit = service::page_limit(in.query);
  if (!limit) return limit.error();
  const auto after = service::id_cursor(in.query);
  if (!after) return after.error();
  return writes::Call{.operation = &list, .arguments = {in.caller.user, *after, *limit}, .affinity = 0};
}

}  // namespace tenon::crime
