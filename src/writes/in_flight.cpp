#include "writes/in_flight.hpp"

#include <boost/asio/post.hpp>

namespace tenon::writes {

std::array<std::unique_ptr<InFlight::Shard>, InFlight::shard_count> InFlight::make_shards() const {
  std::array<std::unique_ptr<Shard>, shard_count> shards;
  for (auto& shard : shards) {
    shard = std::make_unique<Shard>();
    shard->running = Running(64, Hash{&hash_});
  }
  return shards;
}

bool InFlight::begin(const Uuid& claim) {
  Shard& shard = shard_of(claim);
  const std::lock_guard lock(shard.mutex);
  return shard.running.try_emplace(claim).second;
}

bool InFlight::runs(const Uuid& claim) {
  Shard& shard = shard_of(claim);
  const std::lock_guard lock(shard.mutex);
  return shard.running.contains(claim);
}

InFlight::Wait InFlight::wait(const Uuid& claim, const std::shared_ptr<Waiter>& waiter) {
  Shard& shard = shard_of(claim);
  const std::lock_guard lock(shard.mutex);
  const auto place = shard.running.find(claim);
  if (place == shard.running.end()) return Wait::ended;
  if (place->second.size() >= waiters_max_) return Wait::full;
  place->second.push_back(waiter);
  return Wait::waiting;
}

bool InFlight::leave(const Uuid& claim, const std::shared_ptr<Waiter>& waiter) {
  Shard& shard = shard_of(claim);
  const std::lock_guard lock(shard.mutex);
  const auto place = shard.running.find(claim);
  return place != shard.running.end() && std::erase(place->second, waiter) > 0;
}

void InFlight::finish(const Uuid& claim, const Digest& fingerprint, const Result<Reply>& outcome) {
  std::vector<std::shared_ptr<Waiter>> waiters;
  {
    Shard& shard = shard_of(claim);
    const std::lock_guard lock(shard.mutex);
    const auto place = shard.running.find(claim);
    if (place == shard.running.end()) return;
    waiters = std::move(place->second);
    shard.running.erase(place);
  }
  if (waiters.empty()) return;
  const auto first = std::make_shared<const Waiter::First>(fingerprint, outcome);
  for (const auto& waiter : waiters) {
    waiter->first = first;
    boost::asio::post(*waiter->origin, [waiter] { std::exchange(waiter->done, nullptr)(); });
  }
}

}  // namespace tenon::writes
