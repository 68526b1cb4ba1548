#include "writes/writer.hpp"

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/test_switch.hpp"
#include "writes/defects.hpp"

namespace tenon::writes {
namespace {

namespace asio = boost::asio;

// A batch takes a millisecond or a few. One that takes longer waits for a lock, or for a disk or a network that is
// slow.
constexpr std::chrono::milliseconds gets_on_within{20};

// Suspends the calling coroutine; `start` is given what will resume it and must see to its being called once, on the
// coroutine's own thread.
template <class Start>
asio::awaitable<void> suspend(Start& start) {  // which outlives the suspension
  return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [](auto handler, Start& begin) { begin(std::move_only_function<void()>(std::move(handler))); },
      asio::use_awaitable, std::ref(start));
}

// A command's way through a lane, for suspend(): no coroutine of its own.
class Passage {
 public:
  Passage(std::shared_ptr<Command> command, Lane& lane) : command_(std::move(command)), lane_(lane) {}
  void operator()(std::move_only_function<void()> resume) {
    command_->done = std::move(resume);
    if (lane_.submit(command_)) return;  // it may be answered already: this frame is not ours any more
    admitted_ = false;
    asio::post(*command_->origin, [command = command_] { std::exchange(command->done, nullptr)(); });
  }
  [[nodiscard]] Result<Reply> outcome() {  // once resumed
    if (!admitted_) return problem(ProblemCode::overloaded);
    return std::move(command_->outcome);
  }

 private:
  std::shared_ptr<Command> command_;
  Lane& lane_;
  bool admitted_ = true;
};

// Sees to it that whoever latched on is told something, also when the first request's coroutine throws or is dropped.
class Running {
 public:
  Running(InFlight& in_flight, ReplyCache& replies, const Uuid& claim, const Digest& fingerprint)
      : in_flight_(in_flight), replies_(replies), claim_(claim), fingerprint_(fingerprint) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    if (!finished_) in_flight_.finish(claim_, fingerprint_, problem(ProblemCode::internal_error));
  }
  // What the first request itself is told.
  [[nodiscard]] Result<Reply> finish(Result<Reply> outcome) {
    if (outcome) replies_.keep(claim_, fingerprint_, *outcome);
    finished_ = true;
    in_flight_.finish(claim_, fingerprint_, outcome);
    if (outcome && outcome->origin == Reply::Origin::reused) return problem(ProblemCode::idempotency_key_reused);
    return outcome;
  }

 private:
  InFlight& in_flight_;
  ReplyCache& replies_;
  Uuid claim_;
  Digest fingerprint_;
  bool finished_ = false;
};

// What a duplicate is told once the first request with its key has been answered.
Result<Reply> follow(const Waiter::First& first, const Digest& fingerprint) {
  if (!first.outcome) {
    // Unknown for the first is unknown for its duplicate, whatever that one asked.
    return problem(ProblemCode::request_in_progress, "The first request with this key has not been answered yet.");
  }
  if (first.fingerprint != fingerprint) return problem(ProblemCode::idempotency_key_reused);
  Reply reply = *first.outcome;
  reply.origin = Reply::Origin::replayed;
  return reply;
}

// A first that was itself refused, for its payload or its signature, says nothing about its duplicate.
bool tells(const Waiter::First& first) {
  return !first.outcome || (first.outcome->origin != Reply::Origin::reused && !is_signature_refused(*first.outcome));
}

}  // namespace

Writer::BoundedLane::BoundedLane(asio::io_context& context, const LaneSettings& settings,
                                 std::chrono::milliseconds wait_max, Logger& log, LaneObserver& observer)
    : room(wait_max, settings.batch_commands_max, settings.queue_max, observer), lane(context, settings, log, room) {}

Writer::Writer(std::span<asio::io_context* const> contexts, const WriterSettings& settings, Logger& log,
               LaneObserver& observer)
    : contexts_(contexts.begin(), contexts.end()),
      choice_(settings.gather_below),
      in_flight_(settings.waiters_per_key_max),
      replies_(settings.reply_cache_bytes) {
  const LaneSettings lane{.conninfo = settings.conninfo,
                          .batch_commands_max = settings.batch_commands_max,
                          .queue_max = settings.queue_max};
  for (std::size_t i = 0; i < settings.write_lanes_per_thread; ++i) {
    for (auto* context : contexts)
      write_lanes_.push_back(std::make_unique<BoundedLane>(*context, lane, settings.wait_max, log, observer));
  }
  LaneSettings read_lane = lane;
  read_lane.conninfo = defects::read_conninfo(settings.conninfo);
  for (std::size_t i = 0; i < settings.read_lanes_per_thread; ++i) {
    for (auto* context : contexts)
      read_lanes_.push_back(std::make_unique<BoundedLane>(*context, read_lane, settings.wait_max, log, observer));
  }
}

void Writer::start() {
  for (const auto& each : write_lanes_) each->lane.start();
  for (const auto& each : read_lanes_) each->lane.start();
}

void Writer::stop() {
  for (const auto& each : write_lanes_) each->lane.stop();
  for (const auto& each : read_lanes_) each->lane.stop();
}

asio::awaitable<Result<std::shared_ptr<const Waiter::First>>> Writer::latch(asio::io_context& here, const Uuid& claim,
                                                                            Monotonic deadline) {
  const auto waiter = std::make_shared<Waiter>();
  waiter->origin = &here;
  auto wait = InFlight::Wait::ended;
  const auto start = [&](std::move_only_function<void()> resume) {
    waiter->done = std::move(resume);
    const auto joined = in_flight_.wait(claim, waiter);
    if (joined == InFlight::Wait::waiting) return;  // `waiter` may be served already: this frame is not ours any more
    wait = joined;
    asio::post(here, [waiter] { std::exchange(waiter->done, nullptr)(); });
  };
  asio::steady_timer patience(here, deadline);
  patience.async_wait([this, claim, waiter](boost::system::error_code cancelled) {
    // One that waits no more is being told at this very moment, perhaps by another thread.
    if (!cancelled && in_flight_.leave(claim, waiter)) std::exchange(waiter->done, nullptr)();
  });
  co_await suspend(start);
  if (wait == InFlight::Wait::full) co_return problem(ProblemCode::request_in_progress, "Too many wait for this key.");
  co_return waiter->first;
}

asio::awaitable<Result<Reply>> Writer::once(asio::io_context& here, Uuid claim, Digest fingerprint, bool is_signed,
                                            Monotonic deadline, Work work) {
  test_switch::pass(test_switch::Step::before_latch);
  if (!is_signed) {
    if (std::optional<Reply> known = replies_.find(claim, fingerprint, monotonic_now())) {
      if (known->origin == Reply::Origin::reused) co_return problem(ProblemCode::idempotency_key_reused);
      co_return std::move(*known);
    }
  }
  if (!in_flight_.begin(claim)) {
    std::optional<Result<Reply>> told = co_await follow_first(here, claim, fingerprint, is_signed, deadline);
    if (told) co_return *std::move(told);
  }
  Running running(in_flight_, replies_, claim, fingerprint);
  test_switch::pass(test_switch::Step::latched);
  Result<Reply> outcome = co_await work();
  co_return running.finish(std::move(outcome));
}

asio::awaitable<std::optional<Result<Reply>>> Writer::follow_first(asio::io_context& here, Uuid claim,
                                                                   Digest fingerprint, bool is_signed,
                                                                   Monotonic deadline) {
  do {
    test_switch::pass(test_switch::Step::in_latch);
    const auto first = co_await latch(here, claim, deadline);
    if (!first) co_return first.error();
    if (!is_signed && *first && tells(**first)) co_return follow(**first, fingerprint);
    if (monotonic_now() >= deadline) co_return problem(ProblemCode::request_in_progress);
  } while (!in_flight_.begin(claim));
  co_return std::nullopt;
}

bool Writer::overloaded() const noexcept {
  return std::ranges::none_of(write_lanes_, [](const auto& lane) { return lane->has_room(); });
}

bool Writer::knows(const Uuid& claim) { return in_flight_.runs(claim) || replies_.knows(claim, monotonic_now()); }

Writer::BoundedLane& Writer::write_lane_of(const asio::io_context& here, const Call& call, Monotonic now) noexcept {
  const auto load_of = [&](std::size_t i) {
    const BoundedLane& bounded = *write_lanes_[i];
    const Lane& lane = bounded.lane;
    const bool gets_on = lane.connected() && now - lane.busy_since() < gets_on_within && bounded.has_room();
    return LaneChoice::Load{.held = lane.queued(), .gets_on = gets_on};
  };
  return *write_lanes_[choice_.choose(write_lanes_.size(), thread_of(here), call.affinity, load_of)];
}

asio::awaitable<Result<Reply>> Writer::write(asio::io_context& here, Call call, Envelope envelope, Monotonic deadline) {
  const auto command = std::make_shared<Command>();
  BoundedLane& lane = write_lane_of(here, call, monotonic_now());
  command->call = std::move(call);
  command->envelope = std::move(envelope);
  command->deadline = deadline;
  command->origin = &here;
  return write_over(lane, command);
}

// once() again, around a command: without a coroutine for it and a function that makes one.
asio::awaitable<Result<Reply>> Writer::write_over(BoundedLane& lane, std::shared_ptr<Command> command) {
  const Envelope& asked = command->envelope;
  test_switch::pass(test_switch::Step::before_latch);
  if (!in_flight_.begin(asked.claim)) {
    std::optional<Result<Reply>> told = co_await follow_first(*command->origin, asked.claim, asked.fingerprint,
                                                              asked.signature.has_value(), command->deadline);
    if (told) co_return *std::move(told);
  }
  Running running(in_flight_, replies_, asked.claim, asked.fingerprint);
  test_switch::pass(test_switch::Step::latched);
  if (!lane.has_room()) co_return running.finish(problem(ProblemCode::overloaded));
  Passage passage(command, lane.lane);
  co_await suspend(passage);
  co_return running.finish(passage.outcome());
}

std::size_t Writer::thread_of(const asio::io_context& here) const noexcept {
  return static_cast<std::size_t>(std::ranges::find(contexts_, &here) - contexts_.begin()) % contexts_.size();
}

Writer::BoundedLane& Writer::read_lane_of(const asio::io_context& here, const Call& call) noexcept {
  const std::size_t threads = contexts_.size();
  return *read_lanes_[call.affinity % (read_lanes_.size() / threads) * threads + thread_of(here)];
}

asio::awaitable<Result<Reply>> Writer::read(asio::io_context& here, Call call, Monotonic deadline) {
  BoundedLane& lane = read_lane_of(here, call);
  return read_over(lane, here, std::move(call), deadline);
}

asio::awaitable<Result<Reply>> Writer::read_by_affinity(asio::io_context& here, Call call, Monotonic deadline) {
  BoundedLane& lane = *read_lanes_[call.affinity % read_lanes_.size()];
  return read_over(lane, here, std::move(call), deadline);
}

asio::awaitable<Result<Reply>> Writer::read_over(BoundedLane& lane, asio::io_context& here, Call call,
                                                 Monotonic deadline) {
  const auto command = std::make_shared<Command>();
  command->call = std::move(call);
  command->deadline = deadline;
  command->origin = &here;
  if (!lane.has_room()) co_return problem(ProblemCode::overloaded);
  Passage passage(command, lane.lane);
  co_await suspend(passage);
  co_return passage.outcome();
}

bool Writer::connected() const noexcept {
  const auto is_connected = [](const std::unique_ptr<BoundedLane>& each) { return each->lane.connected(); };
  return std::ranges::all_of(write_lanes_, is_connected) && std::ranges::all_of(read_lanes_, is_connected);
}

std::size_t Writer::queued() const noexcept {
  std::size_t sum = 0;
  for (const auto& each : write_lanes_) sum += each->lane.queued();
  for (const auto& each : read_lanes_) sum += each->lane.queued();
  return sum;
}

}  // namespace tenon::writes
