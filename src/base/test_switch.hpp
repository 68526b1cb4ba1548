// Ways to break a node on purpose. Only the program that the tests run can be broken: `tenon` is linked with an `armed`
// that is false, `tenon_under_test` with one that reads the environment (tests/chaos/switches.cpp).
#pragma once

#include <cstdint>

namespace tenon::test_switch {

// Defects of which a test harness has to show that it would notice them.
enum class Mutant : std::uint8_t {
  key_without_user,      // a key is everybody's
  asynchronous_commit,   // answered before the commit is durable
  audit_after_commit,    // entries follow in a transaction of their own
  retry_under_new_key,   // what was not answered is sent again as something new
  expiry_by_node_clock,  // a key lives until then by the node's wall clock
  lane_drops_reply,      // after a reconnect each command gets its neighbour's reply
  replica_reads,         // reads go to a standby
  limiter_fails_open,    // without Redis everybody is admitted
  sealer_trusts_ids,     // what commits late under an earlier id is left out of the tree
};

// The steps of a write, in their order, at which a failpoint may strike.
enum class Step : std::uint8_t {
  before_latch,      // a keyed request has passed its chain
  in_latch,          // a duplicate waits for the first one
  latched,           // a first one is about to be handed to a lane, or to a transaction
  before_statement,  // a batch of writes is about to be encoded
  statement_sent,    // a lane's statement, of writes or reads, is with the socket (a big one: its beginning)
  answer_came,       // the batch is committed, no reply was read
  before_response,   // the request was told, no byte of the response was sent
  executed,          // in handle_idempotent's transaction: the work is done, the reply not stored
  before_commit,     // ... and the reply stored
  committed,         // ... and all of it committed
  sealed,            // the sealer has stored a checkpoint, not yet published it
};

extern const bool armed;

[[nodiscard]] bool is_on(Mutant mutant) noexcept;
void strike(Step step);  // may kill or stop the process, sleep, or throw std::runtime_error

[[nodiscard]] inline bool on(Mutant mutant) noexcept { return armed && is_on(mutant); }
inline void pass(Step step) {
  if (armed) [[unlikely]]
    strike(step);
}

}  // namespace tenon::test_switch
