#include "chaos/clients.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "base/clock.hpp"
#include "encoding/json.hpp"
#include "safeguards/caller.hpp"
#include "support/api.hpp"

namespace tenon::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t plenty = 1'000'000'000;
constexpr std::size_t finished_kept = 5'000;
constexpr std::uint32_t hot_items = 2, uniform_items = 30, scarce_items = 6;

std::uint64_t digest_of(const test::RawResponse& response) {
  std::string text = std::to_string(response.status);
  for (const char* name : {"ETag", "Last-Modified", "Location", "Audit-Id"})
    text += "\n" + response.header(name).value_or("-");
  text += "\n" + response.body;
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

// A top-level member's number, or text, as it stands in the JSON; members of nested values are not met in these answers
// before those of the top level.
std::string member(std::string_view json, std::string_view name) {
  std::string value = test::at(json, name);
  return value.starts_with("(") ? "" : value;
}

std::int64_t number(std::string_view json, std::string_view name) {
  const std::string text = member(json, name);
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool is_write(const Call& call) { return !call.key.empty(); }

void pause(milliseconds time) { std::this_thread::sleep_for(time); }

}  // namespace

Clients::Clients(ClientsSettings settings, History& history, std::uint64_t seed)
    : settings_(std::move(settings)), history_(history) {
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
  Client& maker = *clients_.front();
  const auto make = [&](Item::Use use, std::int64_t received) {
    Item& item = items_.emplace_back();
    item.use = use;
    item.received = received;
    item.price = 1;
    Call& call = history_.add({.kind = Kind::create,
                               .client = maker.number,
                               .user = maker.user,
                               .key = "make-" + std::to_string(items_.size()),
                               .lines = {{static_cast<std::uint32_t>(items_.size() - 1), received}}});
    see_through(maker, call);
    const Attempt* made = call.first_final();
    if (made == nullptr || made->answer.status != 201) {
      throw std::runtime_error("no item was made: " + (made != nullptr ? made->answer.text : "no answer"));
    }
    item.id = made->answer.item;
  };
  for (std::uint32_t i = 0; i < hot_items; ++i) make(Item::Use::hot, plenty);
  for (std::uint32_t i = 0; i < uniform_items; ++i) make(Item::Use::uniform, plenty);
  for (std::uint32_t i = 0; i < scarce_items; ++i) make(Item::Use::scarce, 5);
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
  Call& call = history_.add(drawn_call(client));
  if (is_write(call) && luck < 14) send_to_all(client, call);
  if (is_write(call) && luck >= 14 && luck < 17) abort_body(client, call);
  if (call.kind == Kind::read) {
    (void)send_once(client, call, client.node);
    return;
  }
  see_through(client, call);
}

Call Clients::drawn_call(Client& client) {
  Random& random = client.random;
  // Two neighbours use the same texts as keys, each as a user of their own: they must not notice each other.
  const auto key = [&] { return fmt::format("pair-{}-{}", client.number / 2, client.keys++); };
  const auto hot = [&] { return static_cast<std::uint32_t>(random.below(hot_items)); };
  const auto uniform = [&] { return hot_items + static_cast<std::uint32_t>(random.below(uniform_items)); };
  const auto scarce = [&] {
    return hot_items + uniform_items + static_cast<std::uint32_t>(random.below(scarce_items));
  };
  Call call{.client = client.number, .user = client.user};
  const auto luck = random.below(100);
  if (luck < 10) {
    call.kind = Kind::read;
    call.lines = {{luck < 5 ? hot() : luck < 8 ? scarce() : uniform(), 0}};
    return call;
  }
  call.key = key();
  if (luck < 14) {
    call.kind = Kind::create;
    call.lines = {{another_item, random.between(0, 100)}};
  } else if (luck < 40) {
    call.kind = Kind::sell;
    call.lines = {{hot(), random.between(1, 3)}};
  } else if (luck < 60) {
    call.kind = Kind::sell;
    call.lines = {{uniform(), random.between(1, 3)}};
  } else if (luck < 72) {
    call.kind = Kind::sell;
    call.lines = {{scarce(), random.between(1, 4)}};
  } else if (luck < 77) {
    call.kind = Kind::restock;
    call.lines = {{scarce(), random.between(1, 5)}};
  } else if (luck < 90) {
    call.kind = Kind::edit;
    call.lines = {{random.chance(50) ? uniform() : scarce(), random.between(1, 1'000'000)}};
    call.expected = items_[call.lines.front().item].version.load();
  } else {
    call.kind = Kind::order;
    call.lines = {{hot(), 1}, {random.chance(30) ? scarce() : uniform(), random.between(1, 2)}};
  }
  return call;
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
    if (later && !items_.back().id.empty()) {
      client.open.push_back(&call);
      return;
    }
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
  const std::string bytes = bytes_of(client, call);
  const std::size_t attempt = history_.begin(call, node);
  Answer answer;
  try {
    connect(client, node, patience);
    client.connections[node]->set_patience(patience);
    client.connections[node]->send(bytes);
    const test::RawResponse response = client.connections[node]->read();
    if (response.header("Connection") == "close") client.connections[node].reset();
    answer = told(call, response);
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
  const std::string bytes = bytes_of(client, call);
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
      if (client.connections[node]) answer = told(call, client.connections[node]->read());
    } catch (const test::RawClientError&) {
      counts_.unanswered++;
      client.connections[node].reset();
    }
    history_.end(call, attempts[node], std::move(answer));
  }
}

void Clients::abort_body(Client& client, Call& call) {
  counts_.bodies_aborted++;
  const std::string bytes = bytes_of(client, call);
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

// Four addresses take turns to use up what they may, wait as they are told (most of the time), and come again.
void Clients::run_limited(Client& client) {
  for (std::uint32_t turn = 0; phase_ == Phase::working; ++turn) {
    for (int i = 0; i < 150 && phase_ == Phase::working; ++i) {
      Call& call =
          history_.add({.kind = Kind::limited, .client = client.number, .user = client.user, .lines = {{turn % 4, 0}}});
      const bool admitted = send_once(client, call, client.random.below(3));
      if (!admitted && client.random.chance(30)) break;
    }
    for (int i = 0; i < 30 && phase_ == Phase::working; ++i) pause(milliseconds(100));
  }
}

std::string Clients::bytes_of(const Client& client, const Call& call) const {
  test::ApiCall api{.token = client.token, .key = call.key};
  const Line& line = call.lines.front();
  switch (call.kind) {
    case Kind::limited:
      api.path = "/api/audit-logs?limit=1";
      api.headers = {{"X-Forwarded-For", "10.9.0." + std::to_string(line.item + 1)}};
      break;
    case Kind::create:
      api.method = "POST";
      api.path = "/api/inventory";
      api.body = fmt::format(R"({{"name":"Chair {}","price":1,"quantity_available":{}}})", line.item, line.quantity);
      break;
    case Kind::order:
      api.method = "POST";
      api.path = "/api/orders";
      for (const Line& each : call.lines) {
        api.body += fmt::format(R"({}{{"item_id":"{}","quantity":{}}})", api.body.empty() ? R"({"lines":[)" : ",",
                                items_[each.item].id, each.quantity);
      }
      api.body += "]}";
      break;
    default:
      api.method = call.kind == Kind::read ? "GET" : "PATCH";
      api.path = "/api/inventory/" + items_[line.item].id;
      if (call.kind == Kind::sell) api.body = fmt::format(R"({{"decrement":{}}})", line.quantity);
      if (call.kind == Kind::restock) api.body = fmt::format(R"({{"increment":{}}})", line.quantity);
      if (call.kind == Kind::edit)
        api.body = fmt::format(R"({{"price":{},"version":{}}})", line.quantity, call.expected.value_or(0));
  }
  return test::bytes_of(api);
}

Answer Clients::told(const Call& call, const test::RawResponse& response) {
  Answer answer{.status = response.status, .digest = digest_of(response)};
  const std::string_view body = response.body;
  answer.replayed = response.header("Idempotency-Status") == "replayed";
  if (response.status >= 400) answer.code = member(body, "code");
  const bool retry = response.status >= 500 || response.status == 429 || answer.code == "request_in_progress" ||
                     response.status == 401;  // by a node whose clock is wrong
  const bool refused = response.status == 404 || answer.code == "conflict" || answer.code == "insufficient_stock";
  answer.is_final = response.status < 300 || refused;
  // What the cluster's misfortunes explain is told by name; an internal error is a defect of ours.
  if ((!answer.is_final && !retry) || answer.code == "internal_error") answer.text = response.body;
  if (call.kind == Kind::limited) {
    answer.is_final = response.status != 429;
    return answer;
  }
  answer.version = number(body, "version");
  answer.available =
      answer.code == "insufficient_stock" ? number(body, "available") : number(body, "quantity_available");
  answer.sold = number(body, "quantity_sold");
  answer.price = number(body, "price");
  if (call.kind == Kind::create) answer.item = member(body, "id");
  if (call.kind == Kind::order) {
    for (std::size_t i = 0; i < call.lines.size(); ++i)
      answer.line_available.push_back(number(body, fmt::format("lines.{}.quantity_available", i)));
  } else if (answer.version > 0 && call.lines.front().item != another_item) {
    std::atomic<std::int64_t>& known = items_[call.lines.front().item].version;
    for (std::int64_t before = known.load();
         before < answer.version && !known.compare_exchange_weak(before, answer.version);)
      continue;
  }
  return answer;
}

}  // namespace tenon::chaos
