// Lists of what belongs to the caller.
#pragma once

#include "service/input.hpp"

namespace tenon::crime {

// `list` has the columns owner, after, limit.
[[nodiscard]] inline Result<writes::Call> own_list(const writes::Operation& list, const service::Incoming& in) {
  const auto page = service::page_alone(in.query);
  if (!page) return page.error();
  return writes::Call{.operation = &list, .arguments = {in.caller.user, page->after, page->limit}, .affinity = 0};
}

}  // namespace tenon::crime
