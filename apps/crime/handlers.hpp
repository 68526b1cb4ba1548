// From a request to what it asks of the database, or to the reason why not: pure. One source file a noun.
#pragma once

#include "base/result.hpp"
#include "crime/operations.hpp"
#include "service/route.hpp"
#include "writes/operation.hpp"

namespace tenon::crime {

// facilities.cpp: the caller's own.
[[nodiscard]] Result<writes::Call> list_facilities(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> create_facility(const Operations& op, const service::Incoming& in);

// conversion.cpp
[[nodiscard]] Result<writes::Call> convert_facility(const Operations& op, const service::Incoming& in);

// black_market.cpp
[[nodiscard]] Result<writes::Call> list_market_items(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> create_market_item(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> read_market_item(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> purchase_market_item(const Operations& op, const service::Incoming& in);

// laundering.cpp: the caller's own channels.
[[nodiscard]] Result<writes::Call> list_channels(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> create_channel(const Operations& op, const service::Incoming& in);

// legislation.cpp: the law of one substance in one state is put whole.
[[nodiscard]] Result<writes::Call> list_legislation(const Operations& op, const service::Incoming& in);
[[nodiscard]] Result<writes::Call> put_legislation(const Operations& op, const service::Incoming& in);

}  // namespace tenon::crime
