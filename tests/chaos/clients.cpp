#include "chaos/clients.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/clock.hpp"
#include "chaos/requests.hpp"
#include "safeguards/caller.hpp"

namespace tenon::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t finished_kept = 5'000;
constexpr seconds make_patience{60};

void pause(milliseconds time) { std::this_thread::sleep_for(time); }

}  // namespace

Clients::Clients(ClientsSettings settings, History& history, std::uint64_t seed)
    : settings_(std::move(settings)), history_(history), workload_(items_) {
  Random random(seed);
  // One more: it only makes limited calls.
  for (std::uint32_t i = 0; i <= settings_.clients; ++i) {
    auto client = std::make_unique<Client>();
    client->number = i;
    client->user = "clerk-" + std::to_string(i);
    // Signed two hours ago: a node whose clock is set back takes it too.
    client->token = safeguards::issue_token(settings_.secret, client->user, safeguards::Role::admin,
                                            wall_now() - std::chrono::hours(2), 48 * 3600);
    client->random = Random(random.seed());
    client->node = i % client->connections.size();
    clients_.push_back(std::move(client));
  }
}

Clients::~Clients() { settle(milliseconds(0)); }

bool Clients::over() const { return history_.now() > give_up_.load(); }

void Clients::make_items() {
  give_up_ = history_.now() + std::chrono::nanoseconds(make_patience).count();
  Client& maker = *clients_.front();
  for (std::uint32_t i = 0; i < items_.size() && items_[i].use != Item::Use::mortal; ++i) {
    if (items_[i].made) continue;
    Call& call = history_.add({.kind = items_[i].place == Item::Place::market ? Kind::offer : Kind::create,
                               .client = maker.number,
                               .user = maker.user,
                               .key = "make-" + std::to_string(i),
                               .lines = {{i, items_[i].received}}});
    see_through(maker, call);
    const Attempt* made = call.first_final();
    if (made == nullptr || made->answer.status != 201) {
      throw std::runtime_error("no item was made: " + (made != nullptr ? made->answer.text : "no answer"));
    }
  }
  give_up_ = no_answer;
  ready_ = true;
}

void Clients::start() {
  for (auto& client : clients_) {
    const bool limited = client == clients_.back();
    client->thread = std::thread([this, &own = *client, limited] { limited ? run_limited(own) : run(own); });
  }
}

void Clients::settle(milliseconds patience) {
  give_up_ = history_.now() + std::chrono::nanoseconds(patience).count();
  phase_ = Phase::settling;
  for (auto& client : clients_) {
    if (client->thread.joinable()) client->thread.join();
  }
}

void Clients::run(Client& client) {
  while (phase_ == Phase::working) {
    work_once(client);
    pause(milliseconds(client.random.below(2 * static_cast<std::uint64_t>(settings_.think.count()) + 1)));
  }
  while (!client.open.empty() && !over()) settle_one(client);
}

void Clients::settle_one(Client& client) {
  Call& call = *client.open.back();
  if (send_once(client, call, client.node)) {
    client.open.pop_back();
    client.finished.push_back(&call);
    return;
  }
  client.node = (client.node + 1) % client.connections.size();
  pause(milliseconds(20));
}

void Clients::work_once(Client& client) {
  const auto luck = client.random.below(100);
  // As a balancer would have it: else nobody returns to a node that failed once.
  if (client.random.chance(5)) client.node = client.random.below(client.connections.size());
  if (luck < 8) return repeat_late(client);
  if (luck < 10 && !client.open.empty()) {  // one that was given up earlier
    std::swap(client.open[client.random.below(client.open.size())], client.open.back());
    Call& call = *client.open.back();
    client.open.pop_back();
    return see_through(client, call);
  }
  Call& call = history_.add(workload_.draw(client.random, client.number, client.user, client.keys));
  if (call.is_write() && luck < 14) send_to_all(client, call);
  if (call.is_write() && luck >= 14 && luck < 17) abort_body(client, call);
  if (call.is_write() && luck >= 17 && luck < 20) send_twice(client, call);
  if (call.kind == Kind::read) {
    (void)send_once(client, call, client.node);
    return;
  }
  see_through(client, call);
}

void Clients::see_through(Client& client, Call& call) {
  for (int tries = 0;; ++tries) {
    if (tries > 0) counts_.retries++;
    if (send_once(client, call, client.node)) {
      client.finished.push_back(&call);
      if (client.finished.size() > finished_kept) client.finished.pop_front();
      return;
    }
    // After a failure: most go on at once at another node; some come back much later.
    const bool later = phase_ == Phase::settling || client.random.chance(4);
    client.node = (client.node + 1) % client.connections.size();
    counts_.node_switches++;
    if (later && ready_) {
      client.open.push_back(&call);
      return;
    }
    if (!ready_ && over()) return;  // no write is done at all
    pause(milliseconds(client.random.between(5, std::min(400, 20 << std::min(tries, 5)))));
  }
}

void Clients::connect(Client& client, std::size_t node, milliseconds patience) {
  if (!client.connections[node]) client.connections[node].emplace(settings_.ports[node], patience);
}

bool Clients::send_once(Client& client, Call& call, std::size_t node) {
  const auto luck = client.random.below(10);
  const milliseconds patience = luck < 2 ? seconds(1) : luck < 7 ? seconds(3) : seconds(12);
  if (client.random.chance(2)) client.connections[node].reset();
  const std::string bytes = bytes_of(call, items_, client.token);
  const std::size_t attempt = history_.begin(call, node);
  Answer answer;
  try {
    connect(client, node, patience);
    client.connections[node]->set_patience(patience);
    client.connections[node]->send(bytes);
    const test::RawResponse response = client.connections[node]->read();
    if (response.header("Connection") == "close") client.connections[node].reset();
    answer = told(call, response, items_);
  } catch (const test::RawClientError&) {
    counts_.unanswered++;
    client.connections[node].reset();
  }
  const bool is_final = answer.is_final;
  history_.end(call, attempt, std::move(answer));
  return is_final;
}

void Clients::send_to_all(Client& client, Call& call) {
  counts_.sent_to_all_nodes++;
  const std::string bytes = bytes_of(call, items_, client.token);
  std::array<std::size_t, 3> attempts{};
  for (std::size_t node = 0; node < attempts.size(); ++node) {
    attempts[node] = history_.begin(call, node);
    try {
      connect(client, node, seconds(3));
      client.connections[node]->set_patience(seconds(3));
      client.connections[node]->send(bytes);
    } catch (const test::RawClientError&) {
      client.connections[node].reset();
    }
  }
  for (std::size_t node = 0; node < attempts.size(); ++node) {
    Answer answer;
    try {
      if (client.connections[node]) answer = told(call, client.connections[node]->read(), items_);
    } catch (const test::RawClientError&) {
      counts_.unanswered++;
      client.connections[node].reset();
    }
    history_.end(call, attempts[node], std::move(answer));
  }
}

void Clients::send_twice(Client& client, Call& call) {
  counts_.sent_twice++;
  const std::string bytes = bytes_of(call, items_, client.token);
  std::array<std::optional<test::RawClient>, 2> connections;
  std::array<std::size_t, 2> attempts{};
  for (std::size_t i = 0; i < connections.size(); ++i) {
    attempts[i] = history_.begin(call, client.node);
    try {
      connections[i].emplace(settings_.ports[client.node], seconds(3));
      connections[i]->send(bytes);
    } catch (const test::RawClientError&) {
      connections[i].reset();
    }
  }
  for (std::size_t i = 0; i < connections.size(); ++i) {
    Answer answer;
    try {
      if (connections[i]) answer = told(call, connections[i]->read(), items_);
    } catch (const test::RawClientError&) {
      counts_.unanswered++;
    }
    history_.end(call, attempts[i], std::move(answer));
  }
}

void Clients::abort_body(Client& client, Call& call) {
  counts_.bodies_aborted++;
  const std::string bytes = bytes_of(call, items_, client.token);
  const std::size_t attempt = history_.begin(call, client.node);
  try {
    test::RawClient connection(settings_.ports[client.node], seconds(1));
    connection.send(std::string_view(bytes).substr(0, bytes.size() - 1 - client.random.below(6)));
  } catch (const test::RawClientError&) {
    counts_.unanswered++;
  }
  history_.end(call, attempt, {});
}

void Clients::repeat_late(Client& client) {
  if (client.finished.empty()) return;
  counts_.late_repeats++;
  (void)send_once(client, *client.random.one_of(client.finished), client.random.below(3));
}

void Clients::repeat(std::size_t most) {
  std::vector<std::thread> threads;
  for (auto& client : clients_) {
    threads.emplace_back([&own = *client, most = most / clients_.size(), this] {
      const std::size_t newest = own.finished.size() - std::min(own.finished.size(), most / 2);
      std::vector<Call*> chosen(own.finished.begin() + static_cast<std::ptrdiff_t>(newest), own.finished.end());
      for (std::size_t i = 0; i < most / 2 && newest > 0; ++i) chosen.push_back(own.finished[own.random.below(newest)]);
      for (Call* call : chosen) {
        const std::size_t node = own.random.below(3);
        for (int tries = 0; tries < 5 && !send_once(own, *call, node); ++tries) pause(milliseconds(50));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Four addresses take turns to use up what they may. Each goes on asking for three seconds after that: however short
// Redis is away, somebody asks meanwhile, and goes on as long as it is admitted.
void Clients::run_limited(Client& client) {
  for (std::uint32_t turn = 0; phase_ == Phase::working; ++turn) {
    for (int refused = 0; refused < 30 && phase_ == Phase::working;) {
      Call& call =
          history_.add({.kind = Kind::limited, .client = client.number, .user = client.user, .lines = {{turn % 4, 0}}});
      if (send_once(client, call, client.random.below(3))) continue;
      refused += 1;
      pause(milliseconds(100));
    }
  }
}

}  // namespace tenon::chaos
