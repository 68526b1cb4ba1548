// From a request to what it asks of the database, or to the reason why not: pure.
#pragma once

#include "base/result.hpp"
#include "inventory/operations.hpp"
#include "service/route.hpp"
#include "writes/operation.hpp"

namespace tenon::inventory {

[[nodiscard]] Result<writes::Call> list_items(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> create_item(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> read_item(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> delete_item(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> create_order(const Operations& op, const service::Incoming& in);

// PATCH has three forms, which exclude each other: {"decrement"} sells, {"increment"} restocks, other members edit.
// Selling is for staff; the other two are for admins.
[[nodiscard]] Result<writes::Call> change_item(const Operations& op, const service::Incoming& in);

}  // namespace tenon::inventory
