// The theorem of docs/reference/signatures.md over all orders of signing, delivery, capture, retry, forgetting and
// expiry: every reachable state of a small world, with the node's own decision about time.
//
// One user, one idempotency key, two payloads, up to three signatures, nodes whose clocks are right, early, late or far
// off, and a database that remembers. An attacker has every signature from the moment it is made and may send it
// anywhere, any time; a signature that its owner held back is one that an attacker intercepted.
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <set>

#include "safeguards/signature/verify.hpp"
#include "unit/signature/request.hpp"

namespace tenon::signature {
namespace {

using std::chrono::seconds;

constexpr int window = 3;    // W
constexpr int skew = 1;      // s
constexpr int horizon = 14;  // the last instant
constexpr int signatures_most = 3;
constexpr int offsets[] = {-4, -1, 0, 1, 4};  // of nodes' clocks; those beyond the skew are broken

// What may be built wrong. Each must be found out.
struct Design {
  int key_lifetime = window + 2 * skew;  // L
  int remembered = window + skew;        // a nonce, after `created`
  bool database_judges_time = true;
  bool remembers_nonces = true;
  bool checks_nonce_before_the_key = true;
  bool forgets_nonces_at_will = false;  // the nonces get lost: what the second wall is for
};

struct Signature {
  int created = 0;
  int payload = 0;
  int remembered_until = -1;  // its nonce; -1: not remembered
  int executed = 0;
  bool answered = false;  // executed, or shown the stored answer
  auto operator<=>(const Signature&) const = default;
};

struct World {
  int now = 0;
  int count = 0;
  std::array<Signature, signatures_most> signatures{};
  int key_until = -1;  // of the stored answer; -1: none
  int key_payload = 0;
  int executed_at = -1;  // the last execution
  auto operator<=>(const World&) const = default;
};

// As nodes decide it: check_presented() itself, on a request without anything else to find fault with.
bool node_takes(int created, int node_clock) {
  static const auto table = [] {
    TestRequest request{.method = http::Method::get, .lines = {{"Host", "a"}}};
    const http::Request view = request.view();
    const Rules rules{.window = seconds(window), .skew = seconds(skew), .authorities = {}};
    Presented presented;
    for (const auto name : required_cover(view)) presented.covered.items.push_back({std::string(name), {}});
    std::set<int> taken;  // ages
    for (int age = -100; age <= 100; ++age) {
      presented.created = 1000;
      if (!check_presented(view, presented, rules, Instant(seconds(1000 + age)))) taken.insert(age);
    }
    return taken;
  }();
  return table.contains(node_clock - created);
}

enum class Outcome { expired, replayed, answered, reused, executed };

// What node and database make of one delivery (sql/migrations/*_signatures.sql).
Outcome deliver(World& world, Signature& signature, int offset, const Design& design) {
  if (!node_takes(signature.created, world.now + offset)) return Outcome::expired;
  if (design.database_judges_time && signature.created + window + skew <= world.now) return Outcome::expired;
  const bool live = world.key_until > world.now;
  const bool known = signature.remembered_until > world.now;
  if (known && (design.checks_nonce_before_the_key || !live)) return Outcome::replayed;
  if (design.remembers_nonces) signature.remembered_until = signature.created + design.remembered;
  if (live) return world.key_payload == signature.payload ? Outcome::answered : Outcome::reused;
  world.key_until = world.now + design.key_lifetime;
  world.key_payload = signature.payload;
  world.executed_at = world.now;
  return Outcome::executed;
}

// Empty while the theorem holds.
std::string broken_by(const World& before, World& after, int which, int offset, const Design& design) {
  Signature& signature = after.signatures[static_cast<std::size_t>(which)];
  const Signature old = signature;
  const Outcome outcome = deliver(after, signature, offset, design);
  if (outcome == Outcome::executed && ++signature.executed > 1) return "1: a signed request was executed twice";
  const bool told = outcome == Outcome::executed || outcome == Outcome::answered;
  if (old.answered && told && !design.forgets_nonces_at_will) return "2: a copy was answered";
  signature.answered = signature.answered || told;
  if (outcome == Outcome::executed && before.now >= signature.created + window + skew) return "3: executed too late";
  const bool honest = old.remembered_until < 0 && !old.answered && signature.created == before.now &&
                      std::abs(offset) <= skew && before.executed_at >= 0 &&
                      before.now < before.executed_at + design.key_lifetime && before.key_until > before.now &&
                      before.key_payload == signature.payload;
  if (honest && outcome != Outcome::answered) return "4: an honest retry was not answered";
  return {};
}

// The first way in which a design breaks the theorem; empty: there is none, in any reachable state.
std::string flaw_of(const Design& design, std::size_t* states = nullptr) {
  std::set<World> seen{World{}};
  std::deque<World> open{World{}};
  const auto reach = [&](const World& world) {
    if (seen.insert(world).second) open.push_back(world);
  };
  while (!open.empty()) {
    const World world = open.front();
    open.pop_front();
    for (int which = 0; which < world.count; ++which) {
      for (const int offset : offsets) {
        // 5 speaks of clocks within the skew.
        if (design.forgets_nonces_at_will && std::abs(offset) > skew) continue;
        World next = world;
        if (std::string broken = broken_by(world, next, which, offset, design); !broken.empty()) return broken;
        reach(next);
      }
    }
    if (world.count < signatures_most) {
      // Clients' clocks may be off by the skew, too.
      for (const int client : {-skew, 0, skew}) {
        for (const int payload : {0, 1}) {
          // Only differences of time and of payload tell anything: the first one is made at 0.
          if (world.count == 0 && (world.now > 0 || payload != 0)) continue;
          World next = world;
          next.signatures[static_cast<std::size_t>(next.count++)] = {.created = world.now + client, .payload = payload};
          reach(next);
        }
      }
    }
    if (world.count > 0 && world.now < horizon) {
      World next = world;
      ++next.now;
      reach(next);
    }
    for (int which = 0; which < world.count; ++which) {  // the sweep, at any time after it may
      World next = world;
      int& until = next.signatures[static_cast<std::size_t>(which)].remembered_until;
      if (until >= 0 && (until <= world.now || design.forgets_nonces_at_will)) {
        until = -1;
        reach(next);
      }
    }
    if (world.key_until >= 0 && world.key_until <= world.now) {
      World next = world;
      next.key_until = -1;
      reach(next);
    }
  }
  if (states != nullptr) *states = seen.size();
  return {};
}

TEST(ReplayModel, HoldsTheTheoremInEveryReachableState) {
  std::size_t states = 0;
  EXPECT_EQ(flaw_of({}, &states), "");
  std::printf("%zu states\n", states);
  EXPECT_GT(states, 100'000U) << "a model that reaches little shows little";
}

TEST(ReplayModel, NeedsEachOfItsParts) {
  EXPECT_EQ(flaw_of({.remembers_nonces = false}), "2: a copy was answered");
  EXPECT_EQ(flaw_of({.checks_nonce_before_the_key = false}), "2: a copy was answered");
  EXPECT_EQ(flaw_of({.remembered = window}), "2: a copy was answered");
  EXPECT_EQ(flaw_of({.database_judges_time = false}), "3: executed too late");
}

// The second wall: with all nonces lost, at any time, nothing is executed twice as long as keys live long enough.
TEST(ReplayModel, ExecutesNothingTwiceEvenWithoutNoncesWhereKeysOutliveTheWindow) {
  EXPECT_EQ(flaw_of({.forgets_nonces_at_will = true}), "");
  EXPECT_EQ(flaw_of({.key_lifetime = window, .forgets_nonces_at_will = true}),
            "1: a signed request was executed twice");
}

}  // namespace
}  // namespace tenon::signature
