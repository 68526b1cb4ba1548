// The clients of the cluster: each keeps its Idempotency-Key over all its retries, goes to another node when one fails,
// and sometimes does what real ones do: sends to all nodes at once, goes away in the middle of a body, comes back late.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "chaos/history.hpp"
#include "chaos/random.hpp"
#include "chaos/workload.hpp"
#include "support/raw_client.hpp"

namespace tenon::chaos {

struct ClientsSettings {
  std::array<std::uint16_t, 3> ports{};  // of the nodes' entries
  std::string secret;                    // that tokens are signed with
  std::size_t clients = 16;
  std::chrono::milliseconds think{30};  // between two calls of one client, on average
};

struct ClientsCounts {
  std::atomic<std::uint64_t> bodies_aborted = 0, sent_to_all_nodes = 0, sent_twice = 0, late_repeats = 0, retries = 0,
                             node_switches = 0;
  std::atomic<std::uint64_t> unanswered = 0;
};

class Clients {
 public:
  Clients(ClientsSettings settings, History& history, std::uint64_t seed);
  ~Clients();
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  void make_items();  // through the API; throws when an item is not made
  void start();
  // No more new calls. Each client goes on until each of its calls has its final answer, or `patience` is over.
  void settle(std::chrono::milliseconds patience);
  // After settle(): sends `most` of the calls once more, each to a node that is drawn; the newest and some of the
  // others.
  void repeat(std::size_t most);

  [[nodiscard]] std::deque<Item>& items() noexcept { return items_; }
  [[nodiscard]] const ClientsCounts& counts() const noexcept { return counts_; }

 private:
  // What one thread has for itself.
  struct Client {
    std::uint32_t number = 0;
    std::string user;
    std::string token;
    Random random{0};
    std::uint64_t keys = 0;
    std::array<std::optional<test::RawClient>, 3> connections;
    std::size_t node = 0;
    std::deque<Call*> finished;
    std::vector<Call*> open;
    std::thread thread;
  };
  enum class Phase : std::uint8_t { working, settling };

  void run(Client& client);
  void run_limited(Client& client);
  void work_once(Client& client);
  void see_through(Client& client, Call& call);
  bool send_once(Client& client, Call& call, std::size_t node);
  void send_to_all(Client& client, Call& call);
  void send_twice(Client& client, Call& call);  // to one node, at the same time
  void abort_body(Client& client, Call& call);
  void repeat_late(Client& client);
  void settle_one(Client& client);
  void connect(Client& client, std::size_t node, std::chrono::milliseconds patience);
  [[nodiscard]] bool over() const;

  ClientsSettings settings_;
  History& history_;
  std::deque<Item> items_;
  Workload workload_;
  bool ready_ = false;  // the items that everything begins with are made
  ClientsCounts counts_;
  std::atomic<Phase> phase_ = Phase::working;
  std::atomic<std::int64_t> give_up_ = no_answer;  // of history_.now()
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace tenon::chaos
