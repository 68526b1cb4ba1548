#include "chaos/mutants.hpp"

#include <algorithm>
#include <array>

namespace tenon::chaos {
namespace {

constexpr std::array all{
    Mutant{.name = "no_key_lookup", .broken = "a key that is known is not looked up", .faults = ""},
    Mutant{.name = "key_without_user", .broken = "a key is everybody's", .faults = ""},
    Mutant{.name = "audit_after_commit",
           .broken = "the audit entry follows in a transaction of its own",
           .faults = "node killed",
           .seconds = 5},
    Mutant{.name = "asynchronous_commit",
           .broken = "answered before the commit is durable",
           .faults = "primary killed,primary stopped",
           .seconds = 5},
    Mutant{.name = "standby_not_awaited",
           .broken = "answered before the standby has the commit",
           .faults = "fail-over after silence",
           .seconds = 5},
    Mutant{.name = "precondition_before_lock",
           .broken = "the version is looked at before the row's lock",
           .faults = "link slow",
           .seconds = 4},
    Mutant{.name = "retry_under_new_key",
           .broken = "what was not answered is sent again under a new key",
           .faults = "cut after COMMIT",
           .seconds = 4},
    Mutant{.name = "expiry_by_node_clock",
           .broken = "a key expires by the node's clock",
           .faults = "node's clock moved",
           .seconds = 4,
           .seed = 7},
    Mutant{.name = "refusals_not_stored", .broken = "a refusal is not stored under its key", .faults = ""},
    Mutant{.name = "delete_unheeded", .broken = "what was deleted stays", .faults = ""},
    Mutant{.name = "fsync_ignored",
           .broken = "the disk says that it has what it has not",
           .faults = "power lost",
           .seconds = 4,
           .of_disk = true},
    Mutant{.name = "closed_generations_forgotten",
           .broken = "a key is looked up only where keys are stored now",
           .faults = "link slow",
           .seconds = 8},
    Mutant{.name = "lane_drops_reply",
           .broken = "after a reconnect each command gets its neighbour's reply",
           .faults = "cut after COMMIT",
           .seconds = 4},
    Mutant{.name = "replica_reads", .broken = "reads go to a standby", .faults = "replay paused", .seconds = 3},
    Mutant{.name = "limiter_fails_open",
           .broken = "without Redis everybody is admitted",
           .faults = "Redis killed",
           .seconds = 5},
    Mutant{.name = "sealer_trusts_ids",
           .broken = "the sealer does not wait for transactions that began earlier",
           .faults = "link slow",
           .seconds = 4},
};

}  // namespace

std::span<const Mutant> mutants() { return all; }

const Mutant* find_mutant(std::string_view name) {
  const auto* const found = std::ranges::find(all, name, &Mutant::name);
  return found == all.end() ? nullptr : found;
}

}  // namespace tenon::chaos
