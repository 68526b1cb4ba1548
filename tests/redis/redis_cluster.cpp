#include "redis/redis_cluster.hpp"

#include <poll.h>

#include <charconv>
#include <chrono>
#include <stdexcept>

#include "redis/slots.hpp"

namespace tenon::test {
namespace {

using std::chrono::steady_clock;

[[nodiscard]] std::size_t first_slot_of(std::size_t server) {
  return server * redis::slot_count / RedisCluster::masters;
}

void demand(const RedisServer& server, const std::vector<std::string>& parts) {
  const redis::Reply reply = server.ask(parts);
  if (reply.is_error()) throw std::runtime_error(parts.front() + ": " + reply.text);
}

}  // namespace

RedisCluster::RedisCluster(std::size_t spares) {
  for (std::size_t i = 0; i < masters + spares; ++i) {
    const std::vector<std::string> settings{"--cluster-require-full-coverage", "no", "--cluster-announce-ip",
                                            "127.0.0.1"};
    servers_.push_back(std::make_unique<RedisServer>(RedisOptions{.cluster = true, .settings = settings}));
    if (i < masters) {
      demand(*servers_[i],
             {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first_slot_of(i)), std::to_string(first_slot_of(i + 1) - 1)});
    }
    demand(*servers_[i], {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
    const RedisServer& first = *servers_.front();
    if (i > 0) {
      demand(*servers_[i],
             {"CLUSTER", "MEET", "127.0.0.1", std::to_string(first.port()), std::to_string(first.cluster_port())});
    }
  }
  await_whole();
}

void RedisCluster::await_whole() const {
  const auto until = steady_clock::now() + std::chrono::seconds(60);
  for (std::size_t i = 0; i < servers_.size();) {
    const std::string info = servers_[i]->ask({"CLUSTER", "INFO"}).text;
    const bool whole = info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384") &&
                       info.contains("cluster_known_nodes:" + std::to_string(servers_.size()));
    if (whole) {
      ++i;
      continue;
    }
    if (steady_clock::now() > until) throw std::runtime_error("the cluster does not get together: " + info);
    poll(nullptr, 0, 10);  // they are about to tell each other
  }
}

std::size_t RedisCluster::owner_of(std::string_view key) {
  std::size_t server = 0;
  while (redis::slot_of(key) >= first_slot_of(server + 1)) ++server;
  return server;
}

std::string RedisCluster::subject_of(std::size_t server, const std::string& name) {
  for (int i = 0;; ++i) {
    std::string subject = name + std::to_string(i);
    if (owner_of(subject) == server) return subject;
  }
}

std::string RedisCluster::id(std::size_t server) const { return servers_[server]->ask({"CLUSTER", "MYID"}).text; }

void RedisCluster::begin_move(std::uint16_t slot, std::size_t from, std::size_t to) {
  demand(*servers_[to], {"CLUSTER", "SETSLOT", std::to_string(slot), "IMPORTING", id(from)});
  demand(*servers_[from], {"CLUSTER", "SETSLOT", std::to_string(slot), "MIGRATING", id(to)});
}

void RedisCluster::move_keys(const std::vector<std::string>& keys, std::size_t from, std::size_t to) {
  std::vector<std::string> parts{"MIGRATE", "127.0.0.1", std::to_string(servers_[to]->port()), "", "0",
                                 "10000",   "KEYS"};
  parts.insert(parts.end(), keys.begin(), keys.end());
  demand(*servers_[from], parts);
}

void RedisCluster::end_move(std::uint16_t slot, std::size_t to) {
  const std::string owner = id(to);
  demand(*servers_[to], {"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", owner});
  for (std::size_t i = 0; i < masters; ++i) {
    if (i != to) demand(*servers_[i], {"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", owner});
  }
}

std::int64_t RedisCluster::answered(std::string_view error) const {
  std::int64_t sum = 0;
  const std::string field = "errorstat_" + std::string(error) + ":count=";
  for (const auto& server : servers_) {
    const std::string stats = server->ask({"INFO", "errorstats"}).text;
    const std::size_t at = stats.find(field);
    if (at == std::string::npos) continue;
    std::int64_t count = 0;
    std::from_chars(stats.data() + at + field.size(), stats.data() + stats.size(), count);
    sum += count;
  }
  return sum;
}

}  // namespace tenon::test
