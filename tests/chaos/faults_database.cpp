#include <fmt/format.h>
#include <signal.h>

#include <memory>

#include "chaos/faults.hpp"

namespace tenon::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Inflicted stop_primary(Stack& stack, Random& random, bool) {
  Inflicted fault{.detail = "immediate stop", .hold = milliseconds(random.below(1'200))};
  PostgresServer& primary = stack.primary();
  const pid_t process = primary.pid();
  if (primary.stop_at_once()) fault.proof = fmt::format("process {} and its own are gone", process);
  fault.heal = [&primary] { start_again(primary); };
  return fault;
}

Inflicted kill_primary(Stack& stack, Random& random, bool) {
  Inflicted fault{.detail = "SIGKILL", .hold = milliseconds(random.below(1'200))};
  PostgresServer& primary = stack.primary();
  const pid_t process = primary.pid();
  if (primary.kill_hard()) fault.proof = fmt::format("process {} and its own are gone", process);
  fault.heal = [&primary] { start_again(primary); };
  return fault;
}

// One of its backends: the postmaster takes all others down with it and recovers by itself.
Inflicted kill_backend(Stack& stack, Random&, bool) {
  PostgresServer& primary = stack.primary();
  Inflicted fault{.detail = "SIGKILL of one backend", .hold = milliseconds(200)};
  // The nodes may be between two sessions, and one that was found may end by itself before the signal comes.
  pid_t process = 0;
  const auto hit = [&] {
    const std::string victim = primary.ask("SELECT pid FROM pg_stat_activity WHERE usename = 'tenon_edge' LIMIT 1");
    process = victim.empty() ? 0 : std::stoi(victim);
    return process > 0 && kill(process, SIGKILL) == 0;
  };
  if (comes_true(proof_patience, hit) && comes_true(proof_patience, [&] { return kill(process, 0) != 0; }))
    fault.proof = fmt::format("backend {} is gone", process);
  fault.heal = [&primary] {
    if (!primary.answers(start_patience)) throw std::runtime_error("no recovery after a backend's death");
  };
  return fault;
}

Inflicted freeze_primary(Stack& stack, Random& random, bool patient) {
  const bool past_timeouts = patient && random.chance(30);
  Inflicted fault{.detail = past_timeouts ? "past all timeouts" : "",
                  .hold = milliseconds(past_timeouts ? random.between(12'000, 15'000) : random.between(300, 2'000))};
  PostgresServer& primary = stack.primary();
  primary.freeze();
  try {
    (void)postgres::Session(primary.conninfo() + " connect_timeout=2").execute("SELECT 1");
  } catch (const postgres::ConnectionError&) {
    fault.proof = "answers nobody";
  }
  fault.heal = [&primary] { primary.thaw(); };
  return fault;
}

Inflicted terminate_backends(Stack& stack, Random& random, bool) {
  Inflicted fault{.detail = "pg_terminate_backend", .hold = milliseconds(random.below(300))};
  std::string ended;
  const auto some_ended = [&] {  // the nodes may be between two sessions
    ended = stack.primary().ask(
        "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'tenon_edge'");
    return ended != "0";
  };
  if (comes_true(proof_patience, some_ended)) fault.proof = ended + " sessions ended";
  return fault;
}

// The primary is gone for good; the standby takes over, and later a copy of it is the new standby.
void fail_over(Stack& stack, Inflicted& fault) {
  const std::size_t before = stack.primary_index();
  if (fault.struck == Monotonic{}) fault.struck = monotonic_now();
  const bool gone = stack.primary().kill_hard();
  const bool promoted = stack.promote();
  if (gone && promoted && stack.primary_index() != before) fault.proof = "pg_is_in_recovery() turned false";
  if (!promoted) throw std::runtime_error("the standby was not promoted:\n" + stack.standby().log_tail());
  fault.heal = [&stack] { stack.rebuild_standby(); };
}

Inflicted fail_over_at_once(Stack& stack, Random& random, bool) {
  Inflicted fault{.detail = "primary killed, standby promoted", .hold = milliseconds(random.below(1'000))};
  fail_over(stack, fault);
  return fault;
}

// First the standby hears nothing more, so that no commit is acknowledged, while the nodes lose their sessions and ask
// again; or the primary comes back from a crash and shows what it had committed by itself. Whatever is told to a client
// then, the standby must have. Then the primary dies for good.
Inflicted fail_over_after_silence(Stack& stack, Random& random, bool) {
  constexpr std::array ways{"connections reset", "sessions terminated", "primary restarted"};
  const std::size_t way = random.below(ways.size());
  Inflicted fault{.detail = fmt::format("standby cut off, {}, then fail-over", ways[way]),
                  .hold = milliseconds(random.below(1'000))};
  PostgresServer& primary = stack.primary();
  const std::uint64_t held = stack.stream().counts().held_bytes;
  stack.stream().hold(true, true);
  const bool silent = comes_true(proof_patience, [&] { return stack.stream().counts().held_bytes > held; });
  for (int i = 0; i < 3; ++i) {
    std::ignore = comes_true(milliseconds(random.between(200, 500)), [] { return false; });
    if (way == 0) {
      for (std::size_t n = 0; n < nodes_count; ++n) stack.node(n).database[stack.primary_index()].reset();
    } else if (way == 1) {
      std::ignore =
          primary.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'tenon_edge'");
    } else if (i == 0) {
      (void)primary.stop_at_once();
      start_again(primary);
    }
  }
  std::ignore = comes_true(milliseconds(500), [] { return false; });
  // Nothing of what was held back may arrive: it never left the primary.
  fault.struck = monotonic_now();
  (void)primary.kill_hard();
  stack.stream().reset();
  stack.stream().release();
  fail_over(stack, fault);
  if (!silent) fault.proof.clear();
  return fault;
}

Inflicted exhaust_connections(Stack& stack, Random& random, bool) {
  Inflicted fault{.detail = "max_connections", .hold = milliseconds(random.between(500, 2'000))};
  const auto sessions = std::make_shared<std::vector<std::unique_ptr<postgres::Session>>>();
  PostgresServer& primary = stack.primary();
  const std::string as_edge = "host=127.0.0.1 port=" + std::to_string(primary.port()) +
                              " user=tenon_edge dbname=tenon sslmode=disable gssencmode=disable connect_timeout=5";
  try {
    for (int i = 0; i < 400; ++i) sessions->push_back(std::make_unique<postgres::Session>(as_edge));
  } catch (const postgres::ConnectionError& refused) {
    const std::string why = refused.what();
    if (why.contains("connection slots") || why.contains("too many clients")) fault.proof = why.substr(0, 160);
  }
  // The nodes' own sessions go, and find no room when they come back.
  fault.struck = monotonic_now();
  for (std::size_t n = 0; n < nodes_count; ++n) stack.node(n).database[stack.primary_index()].reset();
  const auto fill = [&] {
    try {
      sessions->push_back(std::make_unique<postgres::Session>(as_edge));
      return false;
    } catch (const postgres::ConnectionError&) {
      return true;
    }
  };
  std::ignore = comes_true(milliseconds(300), fill);
  fault.heal = [sessions] { sessions->clear(); };
  return fault;
}

Inflicted turn_read_only(Stack& stack, Random& random, bool) {
  Inflicted fault{.detail = "default_transaction_read_only", .hold = milliseconds(random.between(300, 2'000))};
  PostgresServer& primary = stack.primary();
  const auto set = [&primary](const char* value) {
    postgres::Session session(primary.conninfo());
    session.execute(std::string("ALTER SYSTEM SET default_transaction_read_only = ") + value);
    session.execute("SELECT pg_reload_conf()");
  };
  set("on");
  if (comes_true(proof_patience, [&] { return primary.ask("SHOW default_transaction_read_only") == "on"; }))
    fault.proof = "new sessions are read-only";
  fault.heal = [&primary] {
    postgres::Session session(primary.conninfo());
    session.execute("SET default_transaction_read_only = off");
    session.execute("ALTER SYSTEM RESET default_transaction_read_only");
    session.execute("SELECT pg_reload_conf()");
  };
  return fault;
}

// Commits wait for the standby: no write may be acknowledged meanwhile.
Inflicted kill_standby(Stack& stack, Random& random, bool) {
  Inflicted fault{.detail = "SIGKILL", .hold = milliseconds(random.between(300, 2'500))};
  PostgresServer& standby = stack.standby();
  if (standby.kill_hard()) fault.proof = "its processes are gone";
  fault.heal = [&standby] { start_again(standby); };
  return fault;
}

Inflicted silence_stream(Stack& stack, Random& random, bool patient) {
  const auto luck = random.below(3);
  const bool up = luck != 1;
  const bool down = luck != 0;
  const bool past_timeouts = patient && random.chance(30);
  Inflicted fault{.detail = up && down ? "both ways"
                            : up       ? "standby to primary"
                                       : "primary to standby",
                  .hold = milliseconds(past_timeouts ? random.between(11'000, 13'000) : random.between(400, 3'000))};
  Link& stream = stack.stream();
  const std::uint64_t before = stream.counts().held_bytes;
  stream.hold(up, down);
  if (comes_true(proof_patience, [&] { return stream.counts().held_bytes > before; })) fault.proof = "bytes held back";
  const bool broken = random.chance(50);
  fault.heal = [&stream, broken] {
    if (broken) stream.reset();
    stream.release();
  };
  return fault;
}

// The standby has what is committed and does not show it: whoever reads there reads the past.
Inflicted pause_replay(Stack& stack, Random& random, bool) {
  Inflicted fault{.hold = milliseconds(random.between(500, 1'500))};
  PostgresServer& standby = stack.standby();
  std::ignore = standby.ask("SELECT pg_wal_replay_pause()");
  if (comes_true(proof_patience, [&] { return standby.ask("SELECT pg_get_wal_replay_pause_state()") == "paused"; }))
    fault.proof = "replay state: paused";
  fault.heal = [&standby] { std::ignore = standby.ask("SELECT pg_wal_replay_resume()"); };
  return fault;
}

}  // namespace

std::vector<FaultKind> database_faults() {
  return {{"primary stopped", Domain::database, 2, stop_primary},
          {"primary killed", Domain::database, 2, kill_primary},
          {"backend killed", Domain::database, 1, kill_backend},
          {"primary frozen", Domain::database, 1, freeze_primary},
          {"sessions terminated", Domain::database, 2, terminate_backends},
          {"fail-over", Domain::database, 2, fail_over_at_once},
          {"fail-over after silence", Domain::database, 2, fail_over_after_silence},
          {"no connection left", Domain::database, 1, exhaust_connections},
          {"primary read-only", Domain::database, 1, turn_read_only},
          {"standby killed", Domain::database, 1, kill_standby},
          {"replay paused", Domain::database, 1, pause_replay},
          {"replication silent", Domain::database, 1, silence_stream}};
}

}  // namespace tenon::chaos
