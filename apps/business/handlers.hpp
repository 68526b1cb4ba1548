// From a request to what it asks of the database, or to the reason why not: pure.
#pragma once

#include "base/result.hpp"
#include "business/operations.hpp"
#include "service/route.hpp"
#include "writes/operation.hpp"

namespace tenon::business {

[[nodiscard]] Result<writes::Call> list_businesses(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> create_business(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> read_business(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> update_business(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> delete_business(const Operations& op, const service::Incoming& in);

}  // namespace tenon::business
