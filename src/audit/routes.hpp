// Reading the audit log over HTTP.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "service/limits_table.hpp"
#include "service/route.hpp"
#include "writes/operation.hpp"

namespace tenon::audit {

// SQL: sql/queries.
struct Operations {
  Operations();
  writes::Operation list;  // columns: before, snapshot, entity, actor, action, from, to, limit
  writes::Operation read;  // column: id
};

void define_limits(service::LimitsTable& limits);
[[nodiscard]] std::vector<service::Route> routes(const std::shared_ptr<const Operations>& operations);

// malformed_parameter unless the path's first part is an entry's id.
[[nodiscard]] Result<std::int64_t> entry_id(const service::Incoming& in);

// Where a walk through the log goes on: below that id, among what a snapshot of PostgreSQL's saw.
struct ListCursor {
  std::int64_t before = 0;
  std::string_view snapshot;  // a view into the cursor's text
};
// "ID~XMIN:XMAX:XID,XID,...". Nothing for what PostgreSQL would not take.
[[nodiscard]] std::optional<ListCursor> parse_list_cursor(std::string_view text);

}  // namespace tenon::audit
