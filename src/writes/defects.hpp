// What lanes do wrong when a test has switched it so (base/test_switch.hpp); in the shipped program nothing of it
// happens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/test_switch.hpp"
#include "writes/command.hpp"

namespace tenon::writes::defects {

// retry_under_new_key, of what is about to be sent again.
void forget_key(Command& command);
// lane_drops_reply: the first reply of a batch that was sent again is lost, and the others move up.
void drop_reply(const std::vector<std::shared_ptr<Command>>& batch, std::vector<Reply>& replies);
// replica_reads: of a connection string for reads.
[[nodiscard]] std::string read_conninfo(std::string conninfo);
// expiry_by_node_clock: by how much this machine's clock, as this process sees it, is ahead.
[[nodiscard]] std::int32_t clock_ahead_seconds();

[[nodiscard]] inline std::int32_t lifetime_of(const Envelope& envelope) {
  using enum test_switch::Mutant;
  return envelope.lifetime_seconds + (test_switch::on(expiry_by_node_clock) ? clock_ahead_seconds() : 0);
}

}  // namespace tenon::writes::defects
