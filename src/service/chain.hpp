// The safeguards before a handler, in their one order.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "safeguards/client_address.hpp"
#include "safeguards/rate_limit/store.hpp"
#include "service/limits_table.hpp"
#include "service/route.hpp"
#include "service/signing_keys.hpp"

namespace tenon::service {

struct SignatureGuard {
  signature::Rules rules;
  SigningKeys& keys;
};

// What the stages decide with; set up once, shared by all threads, read only.
struct Guards {
  std::vector<safeguards::Network> trusted_proxies;
  const safeguards::TokenVerifier& tokens;
  const LimitsTable& limits;
  safeguards::BucketStore& buckets;       // of the limits: shared by all nodes, when there is a store for it
  safeguards::BucketStore& node_buckets;  // of what each node bounds for itself; decides without I/O
  safeguards::Limit live_keys;            // how fast one user may use up idempotency keys; off: as fast as they like
  // Would a write be refused now for want of room, wherever it went? Null: never. From any thread.
  std::function<bool()> overloaded = {};
  // Does this node know without I/O that the claim's write runs already or has run, so that an answer stands ready?
  // Null: never. From any thread.
  std::function<bool(const Uuid& claim)> known_replay = {};
  // Per address, for the replays of routes that have no limit per address. Null: none.
  const safeguards::Limit* replay_limit = nullptr;
  const SignatureGuard* signatures = nullptr;  // null: signatures are not looked at
};

// A bucket that this request is charged against. `limit` lives as long as the guards.
struct Charge {
  const safeguards::Limit* limit;
  std::string subject;
  ProblemCode refusal = ProblemCode::rate_limited;
  safeguards::BucketDecision decision = {};

  [[nodiscard]] safeguards::BucketRequest request() const noexcept;
};

// One request on its way through the chain: each stage reads what those before it found out and adds its own.
struct Exchange {
  const http::Request& request;
  const Route& route;
  Instant now;
  Monotonic deadline;  // of all that is done for it, together
  http::PathParameters path = {};

  QueryParameters query = {};
  boost::asio::ip::address address = {};
  bool identified = false;  // it was looked who is calling; before, both of the following are empty
  safeguards::Caller caller = {};
  std::optional<Problem> unknown_caller = {};          // why the route's caller could not be identified
  std::optional<signature::Presented> presented = {};  // a signature, not judged yet
  std::optional<writes::SignedBy> signature = {};      // one that is right; its nonce is for the database to take
  std::optional<json::Value> body = {};
  Digest fingerprint = {};
  std::optional<std::string> key = {};
  std::string_view key_header = {};  // as it was sent, when there is one
  std::optional<Uuid> claim = {};    // the key's, when there is one
  safeguards::Precondition precondition = {};
  std::vector<Charge> charged = {};   // in the order asked; what is not decided was not moved
  std::optional<Charge> spared = {};  // the user's bucket, which a known replay is not charged against
};

// A stage either checks, or names the buckets to charge, two at most, all of which are asked in one call.
struct Stage {
  std::string_view name;
  std::string_view reason;  // for its place in the order
  std::optional<Problem> (*check)(const Guards&, Exchange&) = nullptr;
  // Follows a check that left a signature to be judged.
  boost::asio::awaitable<std::optional<Problem>> (*judge)(const Guards&, Exchange&) = nullptr;
  void (*charge)(const Guards&, Exchange&) = nullptr;          // adds to the exchange's
  safeguards::BucketStore& (*store)(const Guards&) = nullptr;  // that the buckets are in
};
[[nodiscard]] std::span<const Stage> stages() noexcept;

// A request's way through the stages: in order, and the first refusal ends it. Most requests never have to wait on it,
// and need no coroutine for it. All arguments outlive it.
class Chain {
 public:
  Chain(const Guards& guards, Exchange& exchange) noexcept : guards_(guards), exchange_(exchange) {}

  enum class At : std::uint8_t { passed, refused, waiting };
  // Goes as far as it can without waiting. Passed: the handler may run. Waiting: await wait(), and advance again.
  [[nodiscard]] At advance();
  [[nodiscard]] boost::asio::awaitable<void> wait();
  [[nodiscard]] Problem& refusal() noexcept { return *refusal_; }

 private:
  static constexpr std::size_t charges_max = 2;  // of one stage

  [[nodiscard]] bool run(const Stage& stage);
  [[nodiscard]] std::span<Charge> asked() noexcept;
  void note();

  const Guards& guards_;
  Exchange& exchange_;
  std::size_t next_ = 0;         // of the stages
  std::size_t first_asked_ = 0;  // of the exchange's charges: those of the stage that asks now
  std::array<safeguards::BucketRequest, charges_max> requests_ = {};
  std::array<safeguards::BucketDecision, charges_max> decisions_ = {};
  std::optional<Problem> refusal_;
};

// Some refusals tell that somebody guesses, and cost tokens on top in every bucket that the request was charged against
// (or spared): a token that is not valid, another request under a key that is taken.
inline constexpr std::int64_t misbehaviour_cost = 2;
[[nodiscard]] bool is_misbehaviour(ProblemCode code) noexcept;
void charge_misbehaviour(const Guards& guards, const Exchange& exchange);

// What was taken for a replay ran after all: its key expired on the way. Charges the bucket that was spared, if one
// was.
void charge_spared(const Guards& guards, const Exchange& exchange);

// The user as keys and audit entries name them: the token's subject, or "@" and the address where nobody is known.
[[nodiscard]] std::string user_of(const Exchange& exchange);

}  // namespace tenon::service
