// What the chain asks of the limits' store, and what is charged when.
#include "service/chain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "safeguards/idempotency/key.hpp"
#include "unit/safeguards/request_with.hpp"

namespace tenon::service {
namespace {

using safeguards::BucketDecision;
using safeguards::BucketRequest;
using safeguards::Lines;
using safeguards::RequestWith;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string secret = "an HS256 secret of thirty-two b.";
constexpr Instant now{std::chrono::seconds{1'764'652'871}};
std::int64_t moment() { return 1'000'000'000; }

// A store that notes what it is asked, as "policy subject cost", one line a call.
class Notes final : public safeguards::BucketStore {
 public:
  bool at_once = true;
  std::vector<std::string> asked;
  std::vector<std::string> charged;

  bool take_now(std::span<const BucketRequest> requests, std::span<BucketDecision> decisions) override {
    if (at_once) decide(requests, decisions);
    return at_once;
  }
  boost::asio::awaitable<void> take(std::span<const BucketRequest> requests,
                                    std::span<BucketDecision> decisions) override {
    co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
    decide(requests, decisions);
  }
  void charge(const BucketRequest& request) override {
    charged.push_back(text_of(request));
    memory_.charge(request);
  }
  std::string_view trouble() const override { return {}; }

 private:
  static std::string text_of(const BucketRequest& request) {
    return std::string(request.policy) + " " + std::string(request.subject) + " " + std::to_string(request.cost) +
           (request.shadow ? " shadow" : "");
  }
  void decide(std::span<const BucketRequest> requests, std::span<BucketDecision> decisions) {
    std::string line;
    for (const BucketRequest& request : requests) line += (line.empty() ? "" : ", ") + text_of(request);
    asked.push_back(line);
    (void)memory_.take_now(requests, decisions);
  }
  safeguards::MemoryBucketStore memory_{1'000, moment};
};

class TheChain : public testing::Test {
 protected:
  TheChain() {
    limits_.define("per-address", "3/min");
    limits_.define("per-user", "2/min");
    limits_.define("replay", "2/min");
  }

  // What became of a request of alice's (or with these header lines instead), and what it left in the exchange.
  struct Outcome {
    std::optional<Problem> refusal;
    std::vector<std::string> moved;  // the buckets that decided
    bool identified = false;
  };
  Outcome send(Lines lines, const Policy& policy) {
    RequestWith request(std::move(lines));
    http::Request& asked = *request;
    asked.method = http::Method::delete_;
    asked.query = query_;
    asked.peer = boost::asio::ip::make_address("192.0.2.7");
    const Route route{.method = asked.method, .pattern = "/", .policy = policy, .handler = handler_};
    Exchange x{.request = asked, .route = route, .now = now, .deadline = Monotonic::max()};
    Outcome outcome;
    boost::asio::io_context context;
    boost::asio::co_spawn(context, run(x, outcome.refusal), boost::asio::detached);
    context.run();
    for (const Charge& charge : x.charged) {
      if (charge.decision.decided) outcome.moved.push_back(charge.limit->name);
    }
    outcome.identified = x.identified;
    if (outcome.refusal && is_misbehaviour(outcome.refusal->code)) charge_misbehaviour(guards_, x);
    if (reused_) charge_misbehaviour(guards_, x);
    if (ran_) charge_spared(guards_, x);
    return outcome;
  }
  boost::asio::awaitable<void> run(Exchange& x, std::optional<Problem>& refusal) {
    Chain chain(guards_, x);
    Chain::At at = chain.advance();
    while (at == Chain::At::waiting) {
      co_await chain.wait();
      at = chain.advance();
    }
    if (at == Chain::At::refused) refusal = std::move(chain.refusal());
  }
  static std::pair<std::string, std::string> token_of(const std::string& user) {
    return {"Authorization", "Bearer " + safeguards::issue_token(secret, user, safeguards::Role::staff, now, 60)};
  }

  static Policy both() {
    return {.scope = "s",
            .key = Need::optional,
            .roles = roles::authenticated,
            .address_limit = "per-address",
            .user_limit = "per-user"};
  }

  LimitsTable limits_;
  safeguards::TokenVerifier tokens_{secret};
  Notes buckets_;
  Notes node_buckets_;
  Guards guards_{.trusted_proxies = {},
                 .tokens = tokens_,
                 .limits = limits_,
                 .buckets = buckets_,
                 .node_buckets = node_buckets_,
                 .live_keys = {.name = "live-keys",
                               .rate = {.quota = 100, .window_microseconds = 60'000'000},
                               .mode = safeguards::Mode::enforce}};
  std::variant<CallHandler, DirectHandler> handler_;
  std::string_view query_;
  bool reused_ = false;  // pretend that the key was found to be taken
  bool ran_ = false;     // pretend that it was found to be forgotten
};

TEST_F(TheChain, AsksForAllLimitsOfARequestInOneCallAtOnceOrLater) {
  for (const bool at_once : {true, false}) {
    buckets_.at_once = at_once;
    buckets_.asked.clear();
    EXPECT_FALSE(send({token_of("alice"), {"Idempotency-Key", "k"}}, both()).refusal);
    EXPECT_THAT(buckets_.asked, ElementsAre("per-address ip:192.0.2.7 1, per-user user:alice 1"));
  }
  EXPECT_THAT(node_buckets_.asked, ElementsAre("live-keys user:alice 1", "live-keys user:alice 1"));
}

TEST_F(TheChain, NeverMovesAUsersBucketForACallThatIsNotTheirs) {
  const std::string forged = token_of("alice").second + "x";
  const std::string expired =
      "Bearer " + safeguards::issue_token(secret, "alice", safeguards::Role::staff, now, -1'000);
  const Lines strangers[] = {{},
                             {{"Authorization", forged}},
                             {{"Authorization", expired}},
                             {{"Authorization", "Bearer alice"}},
                             {{"Authorization", "Basic YWxpY2U6"}},
                             {token_of("alice"), token_of("alice")}};
  for (const Lines& stranger : strangers) {
    buckets_.asked.clear();
    (void)send(stranger, both());
    EXPECT_THAT(buckets_.asked, ElementsAre("per-address ip:192.0.2.7 1, per-user ip:192.0.2.7 1"));
  }
  for (const std::string& each : buckets_.charged) EXPECT_THAT(each, testing::Not(testing::HasSubstr("alice")));
}

TEST_F(TheChain, ChargesAForgedTokenMoreThanAMissingOrAnExpiredOne) {
  limits_.define("per-address", "9/min");
  limits_.define("per-user", "9/min");
  const std::string expired =
      "Bearer " + safeguards::issue_token(secret, "alice", safeguards::Role::staff, now, -1'000);
  EXPECT_EQ(send({}, both()).refusal->code, ProblemCode::unauthenticated);
  EXPECT_EQ(send({{"Authorization", expired}}, both()).refusal->code, ProblemCode::token_expired);
  EXPECT_THAT(buckets_.charged, IsEmpty());
  EXPECT_EQ(send({{"Authorization", "Bearer x"}}, both()).refusal->code, ProblemCode::token_invalid);
  EXPECT_THAT(buckets_.charged, ElementsAre("per-address ip:192.0.2.7 2", "per-user ip:192.0.2.7 2"));
}

TEST_F(TheChain, LeavesTheUsersBucketAloneWhenTheAddressesRefuses) {
  for (const std::string user : {"a", "b", "c"}) EXPECT_FALSE(send({token_of(user)}, both()).refusal);
  const Outcome refused = send({token_of("d")}, both());
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->code, ProblemCode::rate_limited);
  EXPECT_EQ(refused.refusal->retry_after_seconds, 20U);
  EXPECT_THAT(refused.moved, ElementsAre("per-address"));
}

TEST_F(TheChain, LooksAtNoTokenOfAnAddressThatIsRefused) {
  Policy of_addresses_alone = both();
  of_addresses_alone.user_limit = {};
  int looked_at = 0;
  for (int i = 0; i < 5; ++i) {
    const Outcome outcome = send({token_of("alice")}, of_addresses_alone);
    EXPECT_EQ(outcome.identified, !outcome.refusal) << "request " << i;
    looked_at += outcome.identified ? 1 : 0;
  }
  EXPECT_EQ(looked_at, 3);
}

TEST_F(TheChain, LimitsWhoHasAForgedTokenByAddress) {
  int tried = 0;
  while (send({{"Authorization", "Bearer x"}}, both()).refusal->code == ProblemCode::token_invalid) ++tried;
  EXPECT_EQ(tried, 1) << "each costs three of the two tokens of the user's limit, which the address pays";
}

TEST_F(TheChain, ChargesAKnownReplayToTheAddressAndNotToTheUser) {
  const Uuid claim = safeguards::claim_of("s", "alice", "k");
  guards_.known_replay = [&](const Uuid& asked) { return asked == claim; };
  guards_.replay_limit = limits_.find("replay");
  const Lines again{token_of("alice"), {"Idempotency-Key", "\"k\""}};
  (void)send(again, both());
  Policy of_users_alone = both();
  of_users_alone.address_limit = {};
  (void)send(again, of_users_alone);
  EXPECT_THAT(buckets_.asked, ElementsAre("per-address ip:192.0.2.7 1", "replay ip:192.0.2.7 1"));

  // Another user's, another key, no key, two keys, and a stranger's that names it: not known.
  buckets_.asked.clear();
  (void)send({token_of("bob"), {"Idempotency-Key", "k"}}, of_users_alone);
  (void)send({token_of("alice"), {"Idempotency-Key", "l"}}, of_users_alone);
  (void)send({token_of("alice")}, of_users_alone);
  (void)send({token_of("alice"), {"Idempotency-Key", "k"}, {"Idempotency-Key", "k"}}, of_users_alone);
  (void)send({{"Idempotency-Key", "k"}}, of_users_alone);
  EXPECT_THAT(buckets_.asked, ElementsAre("per-user user:bob 1", "per-user user:alice 1", "per-user user:alice 1",
                                          "per-user user:alice 1", "per-user ip:192.0.2.7 1"));
}

TEST_F(TheChain, SparesNobodyWhoseTokenIsNotValid) {
  guards_.known_replay = [](const Uuid&) { return true; };
  (void)send({{"Authorization", "Bearer x"}, {"Idempotency-Key", "k"}}, both());
  EXPECT_THAT(buckets_.asked, ElementsAre("per-address ip:192.0.2.7 1, per-user ip:192.0.2.7 1"));
}

TEST_F(TheChain, ChargesAReusedKeyOnTopAlsoToTheUserThatAReplayWouldHaveSpared) {
  reused_ = true;
  (void)send({token_of("alice"), {"Idempotency-Key", "k"}}, both());
  EXPECT_THAT(buckets_.charged, ElementsAre("per-address ip:192.0.2.7 2", "per-user user:alice 2"));
  buckets_.charged.clear();
  guards_.known_replay = [](const Uuid&) { return true; };
  (void)send({token_of("alice"), {"Idempotency-Key", "k"}}, both());
  EXPECT_THAT(buckets_.charged, ElementsAre("per-address ip:192.0.2.7 2", "per-user user:alice 3"));
  EXPECT_TRUE(is_misbehaviour(ProblemCode::idempotency_key_reused));
  EXPECT_FALSE(is_misbehaviour(ProblemCode::conflict));
}

TEST_F(TheChain, ChargesTheUserForAReplayThatRanAfterAll) {
  ran_ = true;
  (void)send({token_of("alice"), {"Idempotency-Key", "k"}}, both());
  EXPECT_THAT(buckets_.charged, IsEmpty()) << "it was charged before it ran";
  guards_.known_replay = [](const Uuid&) { return true; };
  (void)send({token_of("alice"), {"Idempotency-Key", "k"}}, both());
  EXPECT_THAT(buckets_.charged, ElementsAre("per-user user:alice 1"));
}

TEST_F(TheChain, RefusesQueryParametersWhereTheRouteTakesNone) {
  for (const auto& [query, refused] : {std::pair{"", false}, {"colour=red", true}, {"version=3&version=3", true}}) {
    query_ = query;
    const Outcome outcome = send({token_of("alice")}, {.roles = roles::authenticated});
    EXPECT_EQ(outcome.refusal.has_value(), refused) << query;
    if (outcome.refusal) {
      EXPECT_EQ(outcome.refusal->code, ProblemCode::malformed_parameter) << query;
    }
    EXPECT_FALSE(send({token_of("alice")}, {.roles = roles::authenticated, .query = true}).refusal) << query;
  }
}

TEST_F(TheChain, AsksAShadowLimitAndRefusesNobodyForIt) {
  ASSERT_EQ(limits_.set("per-user", "mode", "shadow"), std::nullopt);
  ASSERT_EQ(limits_.set("per-address", "mode", "off"), std::nullopt);
  std::vector<std::string> moved;
  for (int i = 0; i < 5; ++i) {
    const Outcome outcome = send({token_of("alice")}, both());
    EXPECT_FALSE(outcome.refusal);
    EXPECT_THAT(outcome.moved, ElementsAre("per-user"));
  }
  EXPECT_THAT(buckets_.asked, testing::Each("per-user user:alice 1 shadow"));
}

TEST_F(TheChain, RefusesAWriteThatNoLaneHasRoomForBeforeAnythingIsCharged) {
  guards_.overloaded = [] { return true; };
  const Lines whoever[] = {{token_of("alice"), {"Idempotency-Key", "k"}}, {}, {{"Authorization", "Bearer x"}}};
  for (const Lines& lines : whoever) {
    const Outcome outcome = send(lines, both());
    ASSERT_TRUE(outcome.refusal);
    EXPECT_EQ(outcome.refusal->code, ProblemCode::overloaded);
  }
  EXPECT_THAT(buckets_.asked, IsEmpty());
  EXPECT_THAT(node_buckets_.asked, IsEmpty());
  guards_.overloaded = [] { return false; };
  EXPECT_FALSE(send({token_of("alice"), {"Idempotency-Key", "k"}}, both()).refusal);
}

TEST_F(TheChain, OfAnOverloadedNodeStillTellsWhatAKeyWasAnswered) {
  guards_.overloaded = [] { return true; };
  guards_.known_replay = [&](const Uuid& asked) { return asked == safeguards::claim_of("s", "alice", "k"); };
  EXPECT_FALSE(send({token_of("alice"), {"Idempotency-Key", "k"}}, both()).refusal);
  EXPECT_TRUE(send({token_of("bob"), {"Idempotency-Key", "k"}}, both()).refusal);
}

TEST_F(TheChain, OfAnOverloadedNodeLeavesWhatNeedsNoWriteLaneAlone) {
  guards_.overloaded = [] { return true; };
  EXPECT_FALSE(send({token_of("alice")}, {.roles = roles::authenticated}).refusal) << "a read";
  handler_ = DirectHandler();
  EXPECT_FALSE(send({token_of("alice")}, both()).refusal) << "work over connections of its own";
}

TEST_F(TheChain, AsksNothingWhereThereIsNoLimit) {
  (void)send({token_of("alice")}, {.roles = roles::authenticated});
  ASSERT_EQ(limits_.override_with("all=off"), std::nullopt);
  (void)send({token_of("alice")}, both());
  EXPECT_THAT(buckets_.asked, IsEmpty());
}

TEST(TheStages, EachGiveTheReasonForTheirPlace) {
  for (const Stage& stage : stages()) {
    EXPECT_FALSE(stage.reason.empty()) << stage.name;
    EXPECT_NE(stage.check == nullptr, stage.charge == nullptr) << stage.name;
    EXPECT_EQ(stage.charge == nullptr, stage.store == nullptr) << stage.name;
  }
}

}  // namespace
}  // namespace tenon::service
