#include "safeguards/rate_limit/falling_back_store.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <optional>
#include <string>
#include <tuple>

#include "base/test_switch.hpp"
#include "safeguards/rate_limit/leases.hpp"
#include "safeguards/rate_limit/redis_buckets.hpp"
#include "safeguards/rate_limit/share.hpp"

namespace tenon::safeguards {
namespace {

namespace asio = boost::asio;
using Here = Availability::Here;
using Trouble = Availability::Trouble;

constexpr std::int64_t closed_retry_microseconds = 1'000'000;

// A state whose moments count from `origin`, as one of the clock's own, and back.
[[nodiscard]] BucketState at(const BucketState& state, std::int64_t origin) noexcept {
  const auto moment = [origin](std::int64_t offset) { return std::max<std::int64_t>(0, offset + origin); };
  return {.full_at = moment(state.full_at),
          .blocked_until = moment(state.blocked_until),
          .refused_at = moment(state.refused_at),
          .level = state.level};
}
[[nodiscard]] BucketState counted_from(const BucketState& state, std::int64_t origin) noexcept {
  return {.full_at = state.full_at - origin,
          .blocked_until = state.blocked_until - origin,
          .refused_at = state.refused_at - origin,
          .level = state.level};
}

// How long after Redis came back it may not know of a bucket what this node remembers.
[[nodiscard]] std::int64_t memory_of(const BucketRequest& request) noexcept {
  return 2 * request.rate.burst_microseconds() + request.penalty.cap_microseconds;
}

// What is not is refused for ever, for which nobody needs to be asked.
[[nodiscard]] bool can_be_shared(const BucketRequest& request) noexcept {
  return request.rate.valid() && request.penalty.valid();
}

[[nodiscard]] bool stops(const BucketRequest& request, const BucketDecision& decision) noexcept {
  return !decision.admitted && !request.shadow;
}

// One request's buckets on their way: which go to Redis, and which were taken from leases.
struct Plan {
  std::vector<SharedRequest> shared = {};
  std::vector<SharedDecision> answers = {};
  std::vector<LeaseTerms> terms = {};      // by request
  std::vector<Leases::Taken> leased = {};  // by request
};

}  // namespace

struct FallingBackStore::Impl : std::enable_shared_from_this<Impl> {
  Impl(const std::vector<asio::io_context*>& contexts, redis::Client& client, MemoryBucketStore& local,
       Availability::NowFunction clock, const SharedLimitsSettings& how, Logger& log)
      : memory(local),
        now(clock),
        settings(how),
        buckets(client),
        availability(std::make_shared<Availability>(contexts, client, buckets, clock, how, log)),
        leases(how.leases_max) {}

  [[nodiscard]] LeaseTerms terms_of(const BucketRequest& request) const noexcept {
    return request.shadow ? LeaseTerms{} : lease_terms(request.rate, settings.lease_from);
  }

  [[nodiscard]] BucketDecision decide_alone(const BucketRequest& request);
  void decide_alone(std::span<const BucketRequest> requests, std::span<BucketDecision> decisions);
  void charge_alone(const BucketRequest& request);

  bool take_leased(std::span<const BucketRequest> requests, std::span<BucketDecision> decisions);
  [[nodiscard]] BucketDecision leased_decision(const BucketRequest& request, const Leases::Taken& taken);
  void renew(const BucketRequest& request, const LeaseTerms& terms);

  [[nodiscard]] SharedRequest shared_request(Here& mine, const BucketRequest& request, const LeaseTerms& terms);
  [[nodiscard]] Plan plan(Here& mine, std::span<const BucketRequest> requests);
  asio::awaitable<bool> ask(Here& mine, std::span<const SharedRequest> shared, std::span<SharedDecision> answers);
  void learn(const BucketRequest& request, const LeaseTerms& terms, const SharedRequest& asked,
             const SharedDecision& answer, std::int64_t asked_at);
  void carry_out(const Plan& plan, std::span<const BucketRequest> requests, std::span<BucketDecision> decisions,
                 std::int64_t asked_at);
  void abandon(const Plan& plan, std::span<const BucketRequest> requests, std::int64_t asked_at);

  static asio::awaitable<void> send(std::shared_ptr<Impl> self, Here& mine, std::string policy, std::string subject,
                                    SharedRequest request, BucketRequest original, LeaseTerms terms);
  void send_later(const BucketRequest& original, const SharedRequest& request, const LeaseTerms& terms);

  MemoryBucketStore& memory;
  Availability::NowFunction now;
  SharedLimitsSettings settings;
  RedisBuckets buckets;
  std::shared_ptr<Availability> availability;
  Leases leases;
  std::atomic<std::uint64_t> by_redis = 0, by_lease = 0, by_memory = 0, calls = 0, failures = 0;
};

// Without Redis.

BucketDecision FallingBackStore::Impl::decide_alone(const BucketRequest& request) {
  ++by_memory;
  BucketDecision decision{.decided = true};
  const bool fails_open = test_switch::on(test_switch::Mutant::limiter_fails_open);
  switch (fails_open ? StoreLoss::open : request.on_store_loss) {
    case StoreLoss::open:
      decision.admitted = true;
      decision.remaining = request.rate.quota;
      return decision;
    case StoreLoss::closed:
      decision.retry_microseconds = decision.refill_microseconds = closed_retry_microseconds;
      return decision;
    case StoreLoss::local:
      std::ignore = memory.take_now({&request, 1}, {&decision, 1});
      return decision;
    case StoreLoss::share:
      break;
  }
  const BucketRequest share = share_of(request, availability->nodes());
  std::ignore = memory.take_now({&share, 1}, {&decision, 1});
  return decision;
}

void FallingBackStore::Impl::decide_alone(std::span<const BucketRequest> requests,
                                          std::span<BucketDecision> decisions) {
  bool refused = false;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    decisions[i] = refused ? BucketDecision{} : decide_alone(requests[i]);
    refused = refused || stops(requests[i], decisions[i]);
  }
}

void FallingBackStore::Impl::charge_alone(const BucketRequest& request) {
  const bool shared_out = request.on_store_loss == StoreLoss::share;
  memory.charge(shared_out ? share_of(request, availability->nodes()) : request);
}

// From leases.

BucketDecision FallingBackStore::Impl::leased_decision(const BucketRequest& request, const Leases::Taken& taken) {
  ++by_lease;
  if (taken.refused_for > 0) {
    return {.decided = true,
            .penalized = taken.penalized,
            .retry_microseconds = taken.refused_for,
            .refill_microseconds = taken.refused_for};
  }
  if (taken.renew) renew(request, terms_of(request));
  return {.decided = true,
          .admitted = true,
          .remaining = taken.left,
          .refill_microseconds = request.rate.token_microseconds()};
}

// False: not all of them can be decided here, and nothing was taken.
bool FallingBackStore::Impl::take_leased(std::span<const BucketRequest> requests, std::span<BucketDecision> decisions) {
  for (const BucketRequest& request : requests) {
    if (!terms_of(request).leased()) return false;
  }
  const std::int64_t moment = now();
  std::vector<Leases::Taken> taken;
  for (const BucketRequest& request : requests) {
    const Leases::Taken one = leases.take(request.policy, request.subject, request.cost, moment);
    if (!one.taken && one.refused_for == 0) {
      for (std::size_t i = 0; i < taken.size(); ++i) {
        leases.give_back(requests[i].policy, requests[i].subject, requests[i].cost, taken[i]);
      }
      return false;
    }
    taken.push_back(one);
    if (!one.taken) break;
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    decisions[i] = i < taken.size() ? leased_decision(requests[i], taken[i]) : BucketDecision{};
  }
  return true;
}

// Takes nothing for itself, and is nobody's misbehaviour: only what is there is taken along.
void FallingBackStore::Impl::renew(const BucketRequest& request, const LeaseTerms& terms) {
  SharedRequest next{.bucket = request, .more = leases.ask(request.policy, request.subject, terms, now())};
  if (next.more == 0) return;
  next.bucket.rate = leased_rate(request.rate, terms);
  next.bucket.penalty.base_microseconds = 0;
  next.bucket.cost = 0;
  send_later(request, next, terms);
}

// With Redis.

SharedRequest FallingBackStore::Impl::shared_request(Here& mine, const BucketRequest& request,
                                                     const LeaseTerms& terms) {
  SharedRequest shared{.bucket = request};
  if (terms.leased()) {
    shared.bucket.rate = leased_rate(request.rate, terms);
    shared.more = leases.ask(request.policy, request.subject, terms, now());
  }
  const std::int64_t moment = now();
  if (moment - availability->since(mine) > memory_of(request)) return shared;
  const auto known = memory.state_of(request.policy, request.subject);
  shared.remembers = known && forgotten_at(*known, request.rate) > moment;
  if (shared.remembers) shared.remembered = counted_from(*known, moment);
  return shared;
}

Plan FallingBackStore::Impl::plan(Here& mine, std::span<const BucketRequest> requests) {
  Plan plan;
  plan.shared.reserve(requests.size());
  for (const BucketRequest& request : requests) {
    const LeaseTerms& terms = plan.terms.emplace_back(terms_of(request));
    Leases::Taken& taken = plan.leased.emplace_back();
    if (terms.leased()) taken = leases.take(request.policy, request.subject, request.cost, now());
    if (taken.refused_for > 0) break;  // what comes after it is not asked
    if (!taken.taken) plan.shared.push_back(shared_request(mine, request, terms));
  }
  plan.answers.resize(plan.shared.size());
  return plan;
}

// False: no answer in time, or none that decides.
asio::awaitable<bool> FallingBackStore::Impl::ask(Here& mine, std::span<const SharedRequest> shared,
                                                  std::span<SharedDecision> answers) {
  ++calls;
  Trouble what = Trouble::unreachable;
  std::string reason;
  try {
    co_await buckets.take(shared, answers, monotonic_now() + settings.budget);
    availability->succeeded(mine);
    co_return true;
  } catch (const redis::TimeoutError& error) {
    what = Trouble::slow;
    reason = error.what();
  } catch (const redis::ConnectionError& error) {
    reason = error.what();
  } catch (const SharedStoreError& error) {
    what = trouble_of(error.what());
    reason = error.what();
  }
  ++failures;
  availability->failed(mine, what, reason);
  co_return false;
}

void FallingBackStore::Impl::learn(const BucketRequest& request, const LeaseTerms& terms, const SharedRequest& asked,
                                   const SharedDecision& answer, std::int64_t asked_at) {
  if (asked.more > 0) leases.grant(request.policy, request.subject, terms, answer.more, asked_at);
  if (!answer.decision.decided) return;
  ++by_redis;
  if (terms.leased()) leases.heed(request.policy, request.subject, terms, answer.decision, asked_at);
  // Counted from before it was asked, as Redis' moment is not known: that never makes a debt greater than it is.
  memory.learn(request.policy, request.subject, request.rate, at(answer.state, asked_at));
}

void FallingBackStore::Impl::carry_out(const Plan& plan, std::span<const BucketRequest> requests,
                                       std::span<BucketDecision> decisions, std::int64_t asked_at) {
  bool refused = false;
  std::size_t next = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const BucketRequest& request = requests[i];
    decisions[i] = {};
    if (i >= plan.leased.size()) continue;
    const Leases::Taken& taken = plan.leased[i];
    if (taken.taken || taken.refused_for > 0) {
      if (refused && taken.taken) {
        leases.give_back(request.policy, request.subject, request.cost, taken);
      } else if (!refused) {
        decisions[i] = leased_decision(request, taken);
      }
      continue;
    }
    const std::size_t asked = next++;
    learn(request, plan.terms[i], plan.shared[asked], plan.answers[asked], asked_at);
    decisions[i] = plan.answers[asked].decision;
    refused = refused || stops(request, decisions[i]);
  }
}

void FallingBackStore::Impl::abandon(const Plan& plan, std::span<const BucketRequest> requests, std::int64_t asked_at) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < plan.leased.size(); ++i) {
    const BucketRequest& request = requests[i];
    if (plan.leased[i].taken) {
      leases.give_back(request.policy, request.subject, request.cost, plan.leased[i]);
    } else if (plan.leased[i].refused_for > 0) {
      return;
    } else if (plan.shared[next++].more > 0) {
      leases.grant(request.policy, request.subject, plan.terms[i], 0, asked_at);
    }
  }
}

// Beside a request, which does not wait for it.

asio::awaitable<void> FallingBackStore::Impl::send(std::shared_ptr<Impl> self, Here& mine, std::string policy,
                                                   std::string subject, SharedRequest request, BucketRequest original,
                                                   LeaseTerms terms) {
  request.bucket.policy = original.policy = policy;
  request.bucket.subject = original.subject = subject;
  SharedDecision answer;
  const std::int64_t asked_at = self->now();
  const bool answered = co_await self->ask(mine, {&request, 1}, {&answer, 1});
  self->learn(original, terms, request, answer, asked_at);
  if (!answered && request.charge) self->charge_alone(original);
}

void FallingBackStore::Impl::send_later(const BucketRequest& original, const SharedRequest& request,
                                        const LeaseTerms& terms) {
  Here* const mine = availability->here();
  if (mine == nullptr || !mine->gate.open()) return;
  asio::co_spawn(mine->context,
                 send(shared_from_this(), *mine, std::string(original.policy), std::string(original.subject), request,
                      original, terms),
                 asio::detached);
}

FallingBackStore::FallingBackStore(const std::vector<asio::io_context*>& contexts, redis::Client& client,
                                   MemoryBucketStore& memory, Availability::NowFunction now_microseconds,
                                   const SharedLimitsSettings& settings, Logger& log)
    : impl_(std::make_shared<Impl>(contexts, client, memory, now_microseconds, settings, log)) {}

FallingBackStore::~FallingBackStore() { stop(); }

void FallingBackStore::start() { impl_->availability->start(); }
void FallingBackStore::stop() { impl_->availability->stop(); }
asio::awaitable<bool> FallingBackStore::ready(Monotonic deadline) { return impl_->availability->ready(deadline); }

bool FallingBackStore::take_now(std::span<const BucketRequest> requests, std::span<BucketDecision> decisions) {
  const Here* const mine = impl_->availability->here();
  const bool shared = mine != nullptr && mine->gate.open() && std::ranges::all_of(requests, can_be_shared);
  if (shared) return impl_->take_leased(requests, decisions);
  impl_->decide_alone(requests, decisions);
  return true;
}

asio::awaitable<void> FallingBackStore::take(std::span<const BucketRequest> requests,
                                             std::span<BucketDecision> decisions) {
  const auto impl = impl_;
  Here* const mine = impl->availability->here();
  if (mine == nullptr || !mine->gate.open() || !std::ranges::all_of(requests, can_be_shared)) {
    impl->decide_alone(requests, decisions);
    co_return;
  }
  Plan plan = impl->plan(*mine, requests);
  const std::int64_t asked_at = impl->now();
  bool answered = true;
  if (!plan.shared.empty()) answered = co_await impl->ask(*mine, plan.shared, plan.answers);
  if (answered) {
    impl->carry_out(plan, requests, decisions, asked_at);
  } else {
    impl->abandon(plan, requests, asked_at);
    impl->decide_alone(requests, decisions);
  }
}

void FallingBackStore::charge(const BucketRequest& request) {
  if (!request.rate.valid()) return;
  const Here* const mine = impl_->availability->here();
  if (mine != nullptr && mine->gate.open()) {
    const LeaseTerms terms = impl_->terms_of(request);
    SharedRequest shared{.bucket = request, .charge = true};
    if (terms.leased()) shared.bucket.rate = leased_rate(request.rate, terms);
    impl_->send_later(request, shared, {});
    return;
  }
  impl_->charge_alone(request);
}

std::string_view FallingBackStore::trouble() const { return impl_->availability->trouble(); }

SharedLimitsCounts FallingBackStore::counts() const noexcept {
  return {.by_redis = impl_->by_redis,
          .by_lease = impl_->by_lease,
          .by_memory = impl_->by_memory,
          .calls = impl_->calls,
          .failures = impl_->failures,
          .losses = impl_->availability->losses(),
          .nodes = impl_->availability->nodes(),
          .shared = impl_->availability->everywhere()};
}

}  // namespace tenon::safeguards
