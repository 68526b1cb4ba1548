// The connections of a node to its Redis: kept open, opened again when lost. Behind a Redis Cluster, one more for each
// of its servers that keys have led to.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "redis/connection.hpp"

namespace tenon::redis {

// Of a Redis Cluster: how many of its servers one thread talks to, and how long before one that cannot be reached is
// forgotten.
inline constexpr std::size_t cluster_servers_max = 256;
inline constexpr std::chrono::milliseconds cluster_server_patience{3'000};

struct ClientSettings {
  Address address;
  std::string ca_file = {};  // for rediss://; empty: the system's authorities
  std::size_t connections_per_thread = 1;
  std::chrono::milliseconds connect_deadline = limits::redis_connect_deadline;
  // Between attempts: doubled from the first to the second, each time lengthened by up to a half at random.
  std::chrono::milliseconds backoff_least{20};
  std::chrono::milliseconds backoff_most{500};
};

// Safe to use from any thread that runs one of the contexts, each of which has one thread; the contexts outlive it.
// Nothing waits for a connection: while there is none, calls fail at once.
class Client {
 public:
  // Throws std::runtime_error when the CA file can't be read. Does nothing until start().
  Client(std::vector<boost::asio::io_context*> contexts, ClientSettings settings);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void start();
  // From any thread; the contexts then run out of work of this client. Calls under way fail.
  void stop();

  // On one of the contexts, over a connection of that context; its deadline counts from now. An error reply is
  // returned, not thrown. READONLY also ends the connection, as the primary is now elsewhere. Throws ConnectionError.
  [[nodiscard]] boost::asio::awaitable<Reply> call(std::span<const std::string_view> parts, Monotonic deadline);

  // The same, for a command whose keys all are in the slot of `key`: goes to the server that has it, as far as that is
  // known. Where that says MOVED or ASK, it is followed, once: a second one is returned as the error reply that it is.
  // A server not known yet is connected to meanwhile, the call waiting for that until its deadline.
  [[nodiscard]] boost::asio::awaitable<Reply> call_for(std::string_view key, std::span<const std::string_view> parts,
                                                       Monotonic deadline);

  // On one of the contexts: whether it has a connection, and one to each server of a cluster that keys have led to. One
  // that cannot be reached for cluster_server_patience is forgotten, and its keys are asked for anew.
  [[nodiscard]] bool whole() const;

  // Connections that are open now, of all threads.
  [[nodiscard]] std::size_t connected() const noexcept;
  // How many were opened since the start.
  [[nodiscard]] std::uint64_t connects() const noexcept;
  // Why a connection could not be opened, or was lost, the last time; empty when none ever was.
  [[nodiscard]] std::string last_failure() const;

 private:
  struct Shared;
  struct Link;
  struct Here;
  [[nodiscard]] std::shared_ptr<Here> here(const boost::asio::any_io_executor& executor) const;
  [[noreturn]] void throw_none() const;
  std::shared_ptr<Shared> shared_;
  std::vector<std::shared_ptr<Here>> here_;  // by context
};

}  // namespace tenon::redis
