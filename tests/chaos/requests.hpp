// A call as bytes for a node, and what a node's answer tells.
#pragma once

#include <deque>
#include <string>

#include "chaos/history.hpp"
#include "chaos/workload.hpp"
#include "support/raw_client.hpp"

namespace tenon::chaos {

[[nodiscard]] std::string bytes_of(const Call& call, const std::deque<Item>& items, const std::string& token);

// Notes in `items` what is new: the id of one that the call made, a version that nobody had heard of.
[[nodiscard]] Answer told(const Call& call, const test::RawResponse& response, std::deque<Item>& items);

}  // namespace tenon::chaos
