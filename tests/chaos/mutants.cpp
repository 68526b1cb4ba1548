#include "chaos/mutants.hpp"

#include <algorithm>
#include <array>

namespace tenon::chaos {
namespace {

constexpr std::array all{
    Mutant{.name = "no_key_lookup",
           .broken = "a key that is known is not looked up",
           .by = {"answers_equal", "effects_once"},
           .faults = ""},
    Mutant{.name = "key_without_user", .broken = "a key is everybody's", .by = {"answers_expected"}, .faults = ""},
    Mutant{.name = "audit_after_commit",
           .broken = "the audit entry follows in a transaction of its own",
           .by = {"audited", "acknowledged_lost"},
           .faults = "node killed",
           .seconds = 5},
    Mutant{.name = "asynchronous_commit",
           .broken = "answered before the commit is durable",
           .by = {"acknowledged_lost", "answers_equal"},
           .faults = "primary killed,primary stopped",
           .seconds = 5},
    Mutant{.name = "standby_not_awaited",
           .broken = "answered before the standby has the commit",
           .by = {"acknowledged_lost", "answers_equal"},
           .faults = "fail-over after silence",
           .seconds = 5},
    Mutant{.name = "precondition_before_lock",
           .broken = "the version is looked at before the row's lock",
           .by = {"linearizable"},
           .faults = "link slow",
           .seconds = 4},
    Mutant{.name = "retry_under_new_key",
           .broken = "what was not answered is sent again under a new key",
           .by = {"answers_equal", "effects_once", "acknowledged_lost"},
           .faults = "cut after COMMIT",
           .seconds = 4},
    Mutant{.name = "expiry_by_node_clock",
           .broken = "a key expires by the node's clock",
           .by = {"answers_equal", "effects_once"},
           .faults = "node's clock moved",
           .seconds = 4,
           .seed = 7},
    Mutant{.name = "refusals_not_stored",
           .broken = "a refusal is not stored under its key",
           .by = {"answers_equal", "effects_once"},
           .faults = ""},
    Mutant{.name = "delete_unheeded",
           .broken = "what was deleted stays",
           .by = {"stock_adds_up", "linearizable"},
           .faults = ""},
    Mutant{.name = "fsync_ignored",
           .broken = "the disk says that it has what it has not",
           .by = {"acknowledged_lost"},
           .faults = "power lost",
           .seconds = 4,
           .of_disk = true},
    Mutant{.name = "closed_generations_forgotten",
           .broken = "a key is looked up only where keys are stored now",
           .by = {"answers_equal", "effects_once"},
           .faults = "link slow",
           .seconds = 8},
    Mutant{.name = "lane_drops_reply",
           .broken = "after a reconnect each command gets its neighbour's reply",
           .by = {"answers_equal", "acknowledged_lost", "linearizable"},
           .faults = "cut after COMMIT",
           .seconds = 4},
    Mutant{.name = "replica_reads",
           .broken = "reads go to a standby",
           .by = {"linearizable"},
           .faults = "replay paused",
           .seconds = 3},
    Mutant{.name = "limiter_fails_open",
           .broken = "without Redis everybody is admitted",
           .by = {"limits"},
           .faults = "Redis killed",
           .seconds = 5},
    Mutant{.name = "sealer_trusts_ids",
           .broken = "the sealer does not wait for transactions that began earlier",
           .by = {"audit_tree"},
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
