// A Redis Cluster of a test's own: three servers that have a third of the slots each, and spare ones that have none.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/redis_server.hpp"

namespace tenon::test {

class RedisCluster {
 public:
  static constexpr std::size_t masters = 3;
  // Returns when all servers agree on who has what. `spares`: further servers, which know the others.
  explicit RedisCluster(std::size_t spares = 0);

  [[nodiscard]] RedisServer& server(std::size_t number) { return *servers_[number]; }
  [[nodiscard]] std::string url() const { return servers_.front()->url(); }
  // Which of them had the key's slot in the beginning, and one that had not.
  [[nodiscard]] static std::size_t owner_of(std::string_view key);
  [[nodiscard]] static std::size_t other_than(std::size_t server) { return (server + 1) % masters; }
  // A text "NAME0", "NAME1", ... whose slot that server has.
  [[nodiscard]] static std::string subject_of(std::size_t server, const std::string& name);

  // As `redis-cli --cluster` moves a slot: announced; its keys, all or those named; then settled.
  void begin_move(std::uint16_t slot, std::size_t from, std::size_t to);
  void move_keys(const std::vector<std::string>& keys, std::size_t from, std::size_t to);
  void end_move(std::uint16_t slot, std::size_t to);
  [[nodiscard]] std::string id(std::size_t server) const;
  // How often one of them has answered so: MOVED, ASK, TRYAGAIN.
  [[nodiscard]] std::int64_t answered(std::string_view error) const;
  // Until all servers that run agree that all is well. Throws std::runtime_error.
  void await_whole() const;

 private:
  std::vector<std::unique_ptr<RedisServer>> servers_;
};

}  // namespace tenon::test
