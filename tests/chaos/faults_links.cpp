#include <fmt/format.h>

#include "chaos/faults.hpp"

namespace tenon::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Chosen {
  Link* link;
  std::string name;
  unsigned nodes;
};

// One of a node's links. The database's twice as often as its clients' and Redis'.
Chosen draw_link(Stack& stack, Random& random) {
  const std::size_t i = random.below(nodes_count);
  StackNode& node = stack.node(i);
  const auto luck = random.below(4);
  if (luck == 0) return {&node.entry, fmt::format("clients - node {}", i), 1U << i};
  if (luck == 1) return {&node.redis, fmt::format("node {} - Redis", i), 1U << i};
  return {&node.database[stack.primary_index()], fmt::format("node {} - primary", i), 1U << i};
}

Inflicted cut_commit(Stack& stack, Random& random, Moment moment) {
  const std::size_t i = random.below(nodes_count);
  Link& link = stack.node(i).database[stack.primary_index()];
  Inflicted fault{.detail = fmt::format("node {}", i), .step = std::string(name_of(moment)), .nodes = 1U << i};
  const std::uint64_t before = link.counts().cuts;
  // Somebody writes within that time, or the run is void for lack of load anyway. The write at which it was aimed may
  // end with its connection, for a reason of its own, before its moment comes: then another one is aimed at.
  Monotonic aimed{};
  const auto cut = [&] {
    if (link.counts().cuts > before) return true;
    if (monotonic_now() - aimed > seconds(2)) {
      aimed = monotonic_now();
      link.cut_at(moment);
    }
    return false;
  };
  if (comes_true(proof_patience, cut)) fault.proof = "cut counted";
  fault.struck = monotonic_now();
  link.disarm();
  return fault;
}

template <Moment at>
Inflicted cut_at(Stack& stack, Random& random, bool) {
  return cut_commit(stack, random, at);
}

Inflicted cut_bytes(Stack& stack, Random& random, bool) {
  const Chosen chosen = draw_link(stack, random);
  const Way way = random.chance(50) ? Way::up : Way::down;
  // Little goes to Redis and back: a few hundred bytes in a second.
  const std::size_t bytes = random.below(chosen.name.contains("Redis") ? 200 : 3'000);
  Inflicted fault{.detail = fmt::format("{}, {} after {} bytes", chosen.name, way == Way::up ? "up" : "down", bytes),
                  .nodes = chosen.nodes};
  const std::uint64_t before = chosen.link->counts().cuts;
  chosen.link->cut_after(way, bytes);
  if (comes_true(proof_patience, [&] { return chosen.link->counts().cuts > before; })) fault.proof = "cut counted";
  fault.struck = monotonic_now();
  chosen.link->disarm();
  return fault;
}

Inflicted reset_link(Stack& stack, Random& random, bool) {
  const Chosen chosen = draw_link(stack, random);
  Inflicted fault{.detail = chosen.name, .nodes = chosen.nodes};
  const std::uint64_t before = chosen.link->counts().cuts;
  std::ignore = comes_true(proof_patience, [&] {  // clients may be between two connections
    chosen.link->reset();
    return chosen.link->counts().cuts > before;
  });
  if (const std::uint64_t cuts = chosen.link->counts().cuts - before; cuts > 0)
    fault.proof = fmt::format("{} connections reset", cuts);
  return fault;
}

Inflicted partition(Stack& stack, Random& random, bool patient, bool up, bool down) {
  const Chosen chosen = draw_link(stack, random);
  const bool past_timeouts = patient && random.chance(30);
  const bool broken = random.chance(50);
  Inflicted fault{.detail = fmt::format("{}, then {}{}", chosen.name, broken ? "reset" : "delivered late",
                                        past_timeouts ? ", past all timeouts" : ""),
                  .nodes = chosen.nodes,
                  .hold = milliseconds(past_timeouts ? random.between(12'000, 14'000) : random.between(300, 2'500))};
  Link& link = *chosen.link;
  const std::uint64_t before = link.counts().held_bytes;
  link.hold(up, down);
  if (comes_true(proof_patience, [&] { return link.counts().held_bytes > before; })) fault.proof = "bytes held back";
  fault.heal = [&link, broken] {
    if (broken) link.reset();
    link.release();
  };
  return fault;
}

Inflicted half_open(Stack& stack, Random& random, bool patient) {
  return partition(stack, random, patient, true, true);
}
Inflicted deaf_upwards(Stack& stack, Random& random, bool patient) {
  return partition(stack, random, patient, true, false);
}
Inflicted deaf_downwards(Stack& stack, Random& random, bool patient) {
  return partition(stack, random, patient, false, true);
}

Inflicted slow_link(Stack& stack, Random& random, bool) {
  const Chosen chosen = draw_link(stack, random);
  const milliseconds latency(random.between(10, 300));
  const std::size_t bandwidth = random.chance(50) ? 0 : static_cast<std::size_t>(random.between(20'000, 200'000));
  Inflicted fault{.detail = fmt::format("{}, {} ms, {} bytes/s", chosen.name, latency.count(), bandwidth),
                  .nodes = chosen.nodes,
                  .hold = milliseconds(random.between(500, 3'000))};
  Link& link = *chosen.link;
  const std::uint64_t before = link.counts().late_bytes;
  link.slow(latency, bandwidth);
  if (comes_true(proof_patience, [&] { return link.counts().late_bytes > before; })) fault.proof = "bytes delayed";
  fault.heal = [&link] { link.slow(milliseconds(0)); };
  return fault;
}

}  // namespace

std::vector<FaultKind> link_faults() {
  return {{"cut before the statement", Domain::link, 2, cut_at<Moment::before_statement>},
          {"cut within the statement", Domain::link, 1, cut_at<Moment::in_statement>},
          {"cut at COMMIT", Domain::link, 3, cut_at<Moment::statement_sent>},
          {"cut after COMMIT", Domain::link, 3, cut_at<Moment::after_commit>},
          {"cut within the answer", Domain::link, 1, cut_at<Moment::in_answer>},
          {"cut after the answer", Domain::link, 1, cut_at<Moment::after_answer>},
          {"link cut after N bytes", Domain::link, 2, cut_bytes},
          {"link reset", Domain::link, 1, reset_link},
          {"link half-open", Domain::link, 1, half_open},
          {"one-way partition, up", Domain::link, 1, deaf_upwards},
          {"one-way partition, down", Domain::link, 1, deaf_downwards},
          {"link slow", Domain::link, 1, slow_link}};
}

}  // namespace tenon::chaos
