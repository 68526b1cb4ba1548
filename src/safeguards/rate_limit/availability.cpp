#include "safeguards/rate_limit/availability.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>

namespace tenon::safeguards {
namespace {

namespace asio = boost::asio;
using Trouble = Availability::Trouble;

// In the order of Trouble.
constexpr std::array<std::string_view, 6> troubles{
    "Redis cannot be reached: each node keeps its share of the limits",
    "Redis answers too slowly: each node keeps its share of the limits",
    "Redis is full: each node keeps its share of the limits",
    "Redis takes no writes: each node keeps its share of the limits",
    "Redis is loading or busy: each node keeps its share of the limits",
    "Redis answers what it should not: each node keeps its share of the limits",
};

[[nodiscard]] std::string random_name() {
  std::random_device random;
  std::string name;
  for (int i = 0; i < 16; ++i) name += "0123456789abcdef"[random() % 16];
  return name;
}

}  // namespace

Trouble trouble_of(std::string_view redis_error) noexcept {
  const std::string_view word = redis_error.substr(0, redis_error.find(' '));
  if (word == "OOM") return Trouble::full;
  if (word == "READONLY" || word == "NOREPLICAS" || word == "MISCONF") return Trouble::read_only;
  if (word == "LOADING" || word == "MASTERDOWN" || word == "BUSY") return Trouble::loading;
  // Of a cluster: slots that nobody has, or that move while we ask.
  if (word == "CLUSTERDOWN") return Trouble::unreachable;
  if (word == "MOVED" || word == "ASK" || word == "TRYAGAIN") return Trouble::loading;
  return Trouble::broken;
}

Availability::Availability(const std::vector<asio::io_context*>& contexts, redis::Client& client, RedisBuckets& buckets,
                           NowFunction now_microseconds, const SharedLimitsSettings& settings, Logger& log)
    : client_(client),
      buckets_(buckets),
      now_(now_microseconds),
      settings_(settings),
      log_(log),
      name_(random_name()),
      nodes_(settings.nodes_least),
      nodes_seen_(settings.nodes_least) {
  for (asio::io_context* context : contexts) {
    threads_.push_back(std::make_unique<Here>(*context, settings.failures_to_shut));
  }
}

void Availability::start() {
  for (const auto& mine : threads_) {
    asio::co_spawn(mine->context, watch(shared_from_this(), *mine), asio::detached);
  }
}

void Availability::stop() {
  stopping_ = true;
  for (const auto& mine : threads_) {
    asio::post(mine->context, [self = shared_from_this(), &here = *mine] {
      if (here.pause != nullptr) here.pause->cancel();
    });
  }
}

asio::awaitable<bool> Availability::ready(Monotonic deadline) {
  asio::steady_timer pause(co_await asio::this_coro::executor);
  while (!everywhere() && monotonic_now() < deadline) {
    pause.expires_after(std::chrono::milliseconds(5));
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  if (!everywhere()) tell(true, client_.last_failure());
  co_return everywhere();
}

Availability::Here* Availability::here() noexcept {
  for (const auto& mine : threads_) {
    if (mine->context.get_executor().running_in_this_thread()) return mine.get();
  }
  return nullptr;
}

void Availability::failed(Here& mine, Trouble what, std::string_view reason) {
  if (!mine.gate.failed()) return;
  --open_gates_;
  trouble_ = what;
  tell(true, reason);
}

std::int64_t Availability::since(Here& mine) noexcept {
  const std::uint64_t connects = client_.connects();
  if (connects != mine.connects) {
    mine.connects = connects;
    mine.gate.reconnected(now_());
  }
  return mine.gate.opened_at();
}

std::string_view Availability::trouble() const noexcept {
  return everywhere() ? std::string_view() : troubles[static_cast<std::size_t>(trouble_.load())];
}

asio::awaitable<void> Availability::watch(std::shared_ptr<Availability> self, Here& mine) {
  asio::steady_timer pause(mine.context);
  mine.pause = &pause;
  while (!self->stopping_) {
    co_await self->probe(mine);
    pause.expires_after(mine.gate.open() ? self->settings_.heartbeat_pause : self->settings_.probe_pause);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  mine.pause = nullptr;
}

asio::awaitable<void> Availability::probe(Here& mine) {
  Trouble what = Trouble::unreachable;
  std::string reason;
  try {
    const std::int64_t nodes = co_await buckets_.heartbeat(name_, monotonic_now() + settings_.budget);
    alive(mine, nodes);
    co_return;
  } catch (const redis::TimeoutError& error) {
    what = Trouble::slow;
    reason = error.what();
  } catch (const redis::ConnectionError&) {
    reason = client_.last_failure();
  } catch (const SharedStoreError& error) {
    what = trouble_of(error.what());
    reason = error.what();
  }
  if (!mine.gate.open() && !everywhere()) trouble_ = what;
  failed(mine, what, reason);
}

void Availability::alive(Here& mine, std::int64_t nodes) {
  const std::int64_t now = now_();
  {
    const std::lock_guard lock(mutex_);
    nodes_seen_.observe(nodes, now);
    nodes_ = nodes_seen_.count();
  }
  if (!mine.gate.probed(now)) return;
  ++open_gates_;
  if (everywhere()) tell(false, {});
}

// One line a change, however many threads see it.
void Availability::tell(bool lost, std::string_view reason) {
  const std::lock_guard lock(mutex_);
  if (lost) {
    if (std::exchange(told_, Told::lost) == Told::lost) return;
    ++losses_;
    log_.event(LogLevel::warning, "shared_limits_lost", {{"reason", reason}, {"nodes", nodes_.load()}});
  } else if (std::exchange(told_, Told::there) != Told::there) {
    log_.event(LogLevel::info, "shared_limits_there", {{"nodes", nodes_.load()}});
  }
}

}  // namespace tenon::safeguards
