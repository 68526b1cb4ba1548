#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "chaos/faults.hpp"

namespace tenon::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* no_disk =
    "no file system of its own can be made here: it takes root, a loop device and mkfs.ext4";

// Writes a mebibyte into a table of its own. True: there was no room for it, says the server.
bool finds_no_room(const PostgresServer& primary) {
  try {
    postgres::Session(primary.conninfo())
        .execute("INSERT INTO chaos.ballast SELECT repeat('x', 1000) FROM generate_series(1, 1024)");
    return false;
  } catch (const postgres::StatementError& refusal) {
    return refusal.sqlstate() == "53100";
  } catch (const postgres::ConnectionError&) {  // as when it had no room for its WAL, and starts again
    return false;
  }
}

Inflicted fill_disk(Stack& stack, Random& random, bool) {
  Inflicted fault{.detail = "no byte left under the primary", .hold = milliseconds(random.between(500, 2'000))};
  if (!stack.primary_disk().can_break()) {
    fault.skipped = no_disk;
    return fault;
  }
  PostgresServer& primary = stack.primary();
  Disk& disk = stack.primary_disk();
  const std::uintmax_t log = primary.log_size();
  // What the server gives back meanwhile, by removing WAL or old keys, and the room that it still has within its files
  // is taken away too: with luck it could go on for long.
  const auto met = [&] {
    disk.fill();
    return finds_no_room(primary) || primary.log_since(log).contains("No space left on device");
  };
  if (comes_true(proof_patience, met)) fault.proof = "\"No space left on device\", says the server";
  fault.struck = monotonic_now();
  fault.heal = [&disk, &primary] {
    disk.make_room();
    // It may have stopped for want of space for its WAL.
    if (!primary.alive()) start_again(primary);
    if (!primary.answers(start_patience))
      throw std::runtime_error("no recovery after a full disk:\n" + primary.log_tail());
    postgres::Session(primary.conninfo()).execute("TRUNCATE chaos.ballast");
  };
  return fault;
}

// The machine of a server starts again: with what its disk had.
void restart_machine(PostgresServer& server, Disk& disk) {
  if (!server.kill_all()) throw std::runtime_error("PostgreSQL's processes do not end");
  disk.recover();
  start_again(server);
}

// What was synced is there afterwards, and nothing else: it is the test of every fsync on the way of a write.
Inflicted lose_power(Stack& stack, Random& random, bool) {
  constexpr std::array whose{"the primary's machine", "the standby's machine", "both machines"};
  const std::size_t which = random.below(whose.size());
  Inflicted fault{.detail = whose[which], .hold = milliseconds(random.below(800))};
  if (!stack.primary_disk().can_break() || !stack.standby_disk().can_break()) {
    fault.skipped = no_disk;
    return fault;
  }
  using Machine = std::pair<PostgresServer*, Disk*>;
  std::vector<Machine> machines;
  if (which != 1) machines.emplace_back(&stack.primary(), &stack.primary_disk());
  if (which != 0) machines.emplace_back(&stack.standby(), &stack.standby_disk());
  fault.struck = monotonic_now();
  for (const Machine& machine : machines) machine.second->cut_power();
  bool all = true;
  for (const Machine& machine : machines) {
    all = all && machine.second->refusal() == EIO;
    all = machine.first->kill_all() && all;
  }
  if (all) fault.proof = "nothing reaches the disk, its processes are gone";
  fault.heal = [machines] {
    for (const auto& [server, disk] : machines) restart_machine(*server, *disk);
  };
  return fault;
}

// An error on the disk: the kernel lets nobody write there any more, and what was not synced is lost too.
Inflicted make_file_system_read_only(Stack& stack, Random& random, bool) {
  Inflicted fault{.detail = "under the primary", .hold = milliseconds(random.between(300, 2'000))};
  PostgresServer& primary = stack.primary();
  Disk& disk = stack.primary_disk();
  if (!disk.can_break()) {
    fault.skipped = no_disk;
    return fault;
  }
  fault.struck = monotonic_now();
  disk.turn_read_only();
  if (comes_true(proof_patience, [&] { return disk.refusal() == EROFS; })) fault.proof = std::strerror(EROFS);
  fault.heal = [&primary, &disk] { restart_machine(primary, disk); };
  return fault;
}

}  // namespace

std::vector<FaultKind> disk_faults() {
  return {{"disk full", Domain::database, 1, fill_disk},
          {"power lost", Domain::database, 3, lose_power},
          {"file system read-only", Domain::database, 1, make_file_system_read_only}};
}

}  // namespace tenon::chaos
