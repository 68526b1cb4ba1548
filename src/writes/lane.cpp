#include "writes/lane.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <set>

#include "base/test_switch.hpp"
#include "base/vital.hpp"
#include "writes/decode.hpp"
#include "writes/defects.hpp"
#include "writes/encode.hpp"
#include "writes/fault.hpp"
#include "writes/write_connection.hpp"

namespace tenon::writes {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds tick_period{100};           // how late a deadline may be noticed
constexpr milliseconds reconnect_pause_first{20};  // doubles up to:
constexpr milliseconds reconnect_pause_most{500};
constexpr milliseconds answer_grace{500};  // beyond the server's own statement_timeout

Problem unavailable() {
  return problem(ProblemCode::database_unavailable, "The outcome of this request is not known yet.");
}

// Its signature is good no more. Of a command that was sent before that says nothing about the first sending, whose
// transaction may be under way still.
bool is_too_late(const Reply& reply) {
  return reply.problem == ProblemCode::signature_expired || reply.problem == ProblemCode::signature_invalid;
}

}  // namespace

Lane::Lane(asio::io_context& context, LaneSettings settings, Logger& log, LaneObserver& observer)
    : context_(context),
      settings_(std::move(settings)),
      log_(log),
      observer_(observer),
      wake_(context),
      tick_(context) {}

void Lane::start() {
  asio::co_spawn(context_, run(), vital);
  asio::co_spawn(context_, watch(), vital);
}

bool Lane::submit(std::shared_ptr<Command> command) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_.load(std::memory_order_relaxed)) return false;
    if (queued_.load(std::memory_order_relaxed) >= settings_.queue_max) return false;
    queued_.fetch_add(1, std::memory_order_relaxed);
    incoming_.push_back(std::move(command));
    wake = !std::exchange(wake_posted_, true);
  }
  if (wake) asio::post(context_, [this] { wake_.cancel(); });
  return true;
}

void Lane::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_.store(true, std::memory_order_relaxed);
  }
  asio::post(context_, [this] {
    wake_.cancel();
    tick_.cancel();
  });
}

void Lane::collect_incoming() {
  std::vector<std::shared_ptr<Command>> arrived;
  {
    const std::lock_guard lock(mutex_);
    arrived.swap(incoming_);
    wake_posted_ = false;
  }
  queue_.insert(queue_.end(), std::make_move_iterator(arrived.begin()), std::make_move_iterator(arrived.end()));
}

asio::awaitable<void> Lane::run() {
  while (true) {
    collect_incoming();
    if (stopping_.load(std::memory_order_relaxed)) break;
    const bool ready = co_await ensure_connected();
    expire(monotonic_now());  // right before sending: the process may have stood still
    if (ready && !queue_.empty()) {
      co_await run_batch(take_batch());
      continue;
    }
    wake_.expires_at(ready ? Monotonic::max() : next_connect_);
    if (something_new(ready))
      continue;  // it may have come while ensure_connected() waited, and its wake-up been for nothing
    boost::system::error_code ignored;
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  collect_incoming();
  for (const auto& command : std::exchange(queue_, {})) {
    finish(command, command->uncertain ? unavailable() : problem(ProblemCode::stopping));
  }
  connection_.reset();
  connected_.store(false, std::memory_order_relaxed);
}

bool Lane::something_new(bool ready) {
  const std::lock_guard lock(mutex_);
  return stopping_.load(std::memory_order_relaxed) || (ready && !incoming_.empty());
}

// Deadlines are kept by a slow tick rather than by a timer a command.
asio::awaitable<void> Lane::watch() {
  boost::system::error_code ignored;
  while (!stopping_.load(std::memory_order_relaxed)) {
    tick_.expires_after(tick_period);
    co_await tick_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    expire(monotonic_now());
    // An idle lane would learn of the server's end with its next command; connected() is to tell before.
    if (under_way_.empty() && connected() && connection_ && !connection_->usable()) {
      connected_.store(false, std::memory_order_relaxed);
      wake_.cancel();
    }
  }
}

void Lane::expire(Monotonic now) {
  for (const auto& command : under_way_) {
    if (command->deadline <= now) answer(command, unavailable());
  }
  std::erase_if(queue_, [&](const std::shared_ptr<Command>& command) {
    if (!command->answered && command->deadline > now) return false;
    const bool never_ran = connected() && !command->uncertain;
    finish(command, never_ran ? problem(ProblemCode::overloaded, "The request waited too long.") : unavailable());
    return true;
  });
}

asio::awaitable<bool> Lane::ensure_connected() {
  if (connection_ && connection_->usable()) co_return true;
  connection_.reset();
  prepared_.clear();
  connected_.store(false, std::memory_order_relaxed);
  if (monotonic_now() < next_connect_) co_return false;
  try {
    const Monotonic deadline = monotonic_now() + limits::connect_deadline;
    connection_ = co_await open_for_writes(context_.get_executor(), settings_.conninfo, deadline);
    co_await connection_->script("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off", deadline);
    if (test_switch::on(test_switch::Mutant::asynchronous_commit)) {
      co_await connection_->script("SET synchronous_commit = off", deadline);
    }
    if (connect_failures_ > 0)
      log_.event(LogLevel::info, "lane_reconnected", {{"failures", std::int64_t{connect_failures_}}});
    connect_failures_ = 0;
    connected_.store(true, std::memory_order_relaxed);
    co_return true;
  } catch (const std::exception& failure) {
    connection_.reset();
    if (connect_failures_++ == 0) {
      log_.event(LogLevel::error, "lane_disconnected", {{"reason", std::string_view(failure.what())}});
    }
    const auto pause = reconnect_pause_first * (1 << std::min(connect_failures_ - 1, 5));
    next_connect_ = monotonic_now() + std::min<milliseconds>(pause, reconnect_pause_most);
    co_return false;
  }
}

Lane::Batch Lane::take_batch() {
  Batch batch;
  const Operation* operation = queue_.front()->call.operation;
  if (queue_.front()->alone) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  } else {
    const std::size_t most = std::min(operation->batch_commands_max, settings_.batch_commands_max);
    auto kept = queue_.begin();
    for (auto& command : queue_) {
      if (batch.size() < most && command->call.operation == operation && !command->alone) {
        batch.push_back(std::move(command));
      } else {
        if (&*kept != &command) *kept = std::move(command);
        ++kept;
      }
    }
    queue_.erase(kept, queue_.end());
  }
  return batch;
}

asio::awaitable<void> Lane::run_batch(Batch batch) {
  const Operation& operation = *batch.front()->call.operation;
  const bool with_signatures = is_any_signed(batch);
  const std::string& statement = with_signatures ? operation.signed_statement : operation.statement;
  const std::string name = operation.name + (with_signatures ? "_signed" : "");
  const Monotonic started = monotonic_now();
  under_way_ = batch;
  if (busy_since() == Monotonic::max()) busy_since_.store(started, std::memory_order_relaxed);
  std::optional<postgres::StatementError> refused;
  try {
    const Monotonic deadline = started + limits::statement_deadline + answer_grace;
    encode_batch(batch, columns_, parameters_);
    if (std::ranges::find(prepared_, &statement) == prepared_.end()) {
      co_await connection_->prepare(name, statement, parameters_.types(), deadline);
      prepared_.push_back(&statement);
      under_way_.clear();
      co_return requeue(std::move(batch));  // that may have taken its time: see first who still waits
    }
    if (operation.kind == Operation::Kind::write) test_switch::pass(test_switch::Step::before_statement);
    const postgres::Rows rows = co_await connection_->execute_prepared(name, parameters_, deadline);
    if (operation.kind == Operation::Kind::write) {
      test_switch::pass(test_switch::Step::answer_came);
      if (test_switch::on(test_switch::Mutant::audit_after_commit)) {
        co_await connection_->script("SELECT tenon.write_late_entries()", deadline);
      }
    }
    std::vector<Reply> replies = decode_replies(rows, batch.size(), started);
    defects::drop_reply(batch, replies);
    finish_each(batch, std::move(replies));
    busy_since_.store(Monotonic::max(), std::memory_order_relaxed);
    observer_.on_batch(operation, batch.size(), monotonic_now() - started);
  } catch (const postgres::StatementError& error) {
    refused = error;
  } catch (const postgres::ConnectionError& error) {
    connection_.reset();
    connected_.store(false, std::memory_order_relaxed);
    log_.event(LogLevel::warning, "batch_unanswered",
               {{"operation", std::string_view(operation.name)},
                {"commands", static_cast<std::int64_t>(batch.size())},
                {"reason", std::string_view(error.what())}});
    observer_.on_retry("connection", batch.size());
    for (const auto& command : batch) {
      command->uncertain = true;
      defects::forget_key(*command);
    }
    requeue(std::move(batch));
  } catch (const std::exception& error) {  // a reply that does not fit: our own mistake, and the outcome is committed
    log_.event(LogLevel::error, "batch_failed",
               {{"operation", std::string_view(operation.name)}, {"reason", std::string_view(error.what())}});
    for (const auto& command : batch) finish(command, problem(ProblemCode::internal_error));
  }
  under_way_.clear();
  if (refused) refuse_statement(std::move(batch), *refused);
}

void Lane::finish_each(const Batch& batch, std::vector<Reply> replies) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Command& command = *batch[i];
    Reply& reply = replies[i];
    if (command.uncertain && is_too_late(reply)) {
      finish(batch[i], unavailable());
      continue;
    }
    // Sent before, no answer heard: what is found now is this command's own answer.
    if (command.uncertain && reply.origin == Reply::Origin::replayed) reply.origin = Reply::Origin::fresh;
    if (reply.problem == ProblemCode::internal_error) {
      log_.event(LogLevel::error, "refusal_unknown",
                 {{"operation", std::string_view(command.call.operation->name)},
                  {"request_id", std::string_view(command.envelope.request_id)}});
    }
    finish(batch[i], std::move(reply));
  }
}

void Lane::refuse_statement(Batch batch, const postgres::StatementError& error) {
  const Fault fault = classify(error.sqlstate());
  const auto log = [&](LogLevel level, std::string_view event) {
    log_.event(level, event,
               {{"operation", std::string_view(batch.front()->call.operation->name)},
                {"commands", static_cast<std::int64_t>(batch.size())},
                {"sqlstate", std::string_view(error.sqlstate())},
                {"reason", std::string_view(error.what())},
                {"request_id", std::string_view(batch.front()->envelope.request_id)}});
  };
  for (const auto& command : batch) ++command->attempts;
  switch (fault) {
    case Fault::collision: {
      observer_.on_retry("collision", batch.size());
      for (const auto& command : batch) {
        // The detail names the claims that are stored by now; what it does not name keeps its place in a batch.
        if (error.detail().empty() || error.detail().find(command->envelope.claim.text()) != std::string::npos) {
          command->alone = true;
        }
      }
      return requeue(std::move(batch));
    }
    case Fault::contention:
      log(LogLevel::warning, "batch_contended");
      observer_.on_retry("contention", batch.size());
      for (const auto& command : batch) command->alone = command->attempts > 1;
      return requeue(std::move(batch));
    case Fault::demoted:
      // Nothing ran. A new connection finds the new primary (target_session_attrs) or tells that there is none.
      log(LogLevel::error, "database_read_only");
      observer_.on_retry("read_only", batch.size());
      connection_.reset();
      connected_.store(false, std::memory_order_relaxed);
      next_connect_ = monotonic_now() + reconnect_pause_most;
      return requeue(std::move(batch));
    case Fault::unavailable:
      log(LogLevel::error, "database_refuses");
      for (const auto& command : batch) finish(command, unavailable());
      return;
    case Fault::command:
      if (batch.size() == 1) {
        log(LogLevel::error, "command_failed");
        return finish(batch.front(), problem(ProblemCode::internal_error));
      }
      log(LogLevel::warning, "batch_split");
      observer_.on_retry("split", batch.size());
      for (const auto& command : batch) command->alone = true;
      return requeue(std::move(batch));
  }
}

void Lane::requeue(Batch batch) {
  const std::size_t answered = static_cast<std::size_t>(
      std::erase_if(batch, [](const std::shared_ptr<Command>& command) { return command->answered; }));
  queued_.fetch_sub(answered, std::memory_order_relaxed);
  // Together first, then those that go alone: the neighbours of a bad command wait for nothing.
  std::ranges::stable_partition(batch, [](const std::shared_ptr<Command>& command) { return !command->alone; });
  queue_.insert(queue_.begin(), std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
}

void Lane::finish(const std::shared_ptr<Command>& command, Result<Reply> outcome) {
  queued_.fetch_sub(1, std::memory_order_relaxed);
  answer(command, std::move(outcome));
}

void Lane::answer(const std::shared_ptr<Command>& command, Result<Reply> outcome) {
  if (command->answered) return;
  command->answered = true;
  command->outcome = std::move(outcome);
  // After the lane has sent its next batch: posted work runs once the lane's coroutine waits again.
  if (finished_.empty()) asio::post(context_, [this] { deliver(); });
  finished_.push_back(command);
}

void Lane::deliver() {
  std::map<asio::io_context*, std::vector<std::shared_ptr<Command>>> elsewhere;  // one wake-up a thread, not a command
  for (auto& command : std::exchange(finished_, {})) {
    if (command->origin == &context_) {
      std::exchange(command->done, nullptr)();
    } else {
      elsewhere[command->origin].push_back(std::move(command));
    }
  }
  for (auto& [origin, commands] : elsewhere) {
    asio::post(*origin, [answered = std::move(commands)] {
      for (const auto& command : answered) std::exchange(command->done, nullptr)();
    });
  }
}

}  // namespace tenon::writes
