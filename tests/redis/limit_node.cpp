#include "redis/limit_node.hpp"

#include <poll.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <sstream>

#include "support/child_program.hpp"

namespace tenon::test {
namespace {

namespace asio = boost::asio;
using safeguards::BucketDecision;
using safeguards::BucketRequest;
using std::chrono::milliseconds;

template <class Condition>
bool comes_true(milliseconds patience, const Condition& condition) {
  const auto until = monotonic_now() + patience;
  while (!condition()) {
    if (monotonic_now() > until) return false;
    poll(nullptr, 0, 2);  // another thread is about to bring it about
  }
  return true;
}

}  // namespace

std::int64_t microseconds_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(monotonic_now().time_since_epoch()).count();
}

void Told::add(const Told& other) {
  first_at = admitted == 0 ? other.first_at : other.admitted == 0 ? first_at : std::min(first_at, other.first_at);
  last_at = std::max(last_at, other.last_at);
  asked += other.asked;
  admitted += other.admitted;
  microseconds.insert(microseconds.end(), other.microseconds.begin(), other.microseconds.end());
}

std::int64_t Told::percentile(double share) {
  if (microseconds.empty()) return 0;
  const auto place =
      microseconds.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(microseconds.size() - 1));
  std::ranges::nth_element(microseconds, place);
  return *place;
}

LimitNode::LimitNode(const std::string& redis_url, safeguards::SharedLimitsSettings settings)
    : log_(folder_.path() / "log", LogLevel::info),
      client_({&context_}, {.address = redis::parse_address(redis_url).value()}),
      memory_(100'000, microseconds_now),
      store_({&context_}, client_, memory_, microseconds_now, settings, log_),
      thread_([this] { context_.run(); }) {
  client_.start();
  store_.start();
}

LimitNode::~LimitNode() {
  std::ignore = stop_clients();
  store_.stop();
  client_.stop();
  work_.reset();
  thread_.join();
}

template <class T>
T LimitNode::wait_for(asio::awaitable<T> work) {
  return asio::co_spawn(context_, std::move(work), asio::use_future).get();
}

bool LimitNode::ready(milliseconds patience) { return wait_for(store_.ready(monotonic_now() + patience)); }

bool LimitNode::becomes(bool shared, milliseconds patience) const {
  return comes_true(patience, [&] { return store_.counts().shared == shared; });
}

bool LimitNode::sees_nodes(std::int64_t nodes, milliseconds patience) const {
  return comes_true(patience, [&] { return store_.counts().nodes == nodes; });
}

asio::awaitable<std::vector<BucketDecision>> LimitNode::decide(LimitNode& node, std::vector<BucketRequest> requests) {
  std::vector<BucketDecision> decisions(requests.size());
  const bool decided = node.store_.take_now(requests, decisions);
  if (!decided) co_await node.store_.take(requests, decisions);
  co_return decisions;
}

std::vector<BucketDecision> LimitNode::ask(std::vector<BucketRequest> requests) {
  return wait_for(decide(*this, std::move(requests)));
}

void LimitNode::charge(BucketRequest request) {
  const std::uint64_t before = store_.counts().calls;
  asio::post(context_, [this, request] { store_.charge(request); });
  // The call is counted when it is sent, and any later one is answered after it.
  comes_true(milliseconds(5'000), [&] { return store_.counts().calls > before || !store_.counts().shared; });
}

asio::awaitable<void> LimitNode::client(LimitNode& node, BucketRequest request, milliseconds pause,
                                        std::chrono::microseconds delay, Told& told) {
  asio::steady_timer timer(node.context_);
  BucketDecision decision;
  // Not all at the same time.
  timer.expires_after(delay);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  while (!node.clients_stop_) {
    const std::int64_t begun = microseconds_now();
    const bool decided = node.store_.take_now({&request, 1}, {&decision, 1});
    if (!decided) co_await node.store_.take({&request, 1}, {&decision, 1});
    const std::int64_t ended = microseconds_now();
    ++told.asked;
    told.microseconds.push_back(ended - begun);
    if (decision.admitted) {
      if (told.admitted++ == 0) told.first_at = begun;
      told.last_at = ended;
    }
    timer.expires_after(pause);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void LimitNode::start_clients(int clients, BucketRequest request, milliseconds pause) {
  clients_stop_ = false;
  for (int i = 0; i < clients; ++i) {
    const std::chrono::microseconds delay = std::chrono::microseconds(pause) * i / clients;
    clients_.push_back(
        asio::co_spawn(context_, client(*this, request, pause, delay, told_.emplace_back()), asio::use_future));
  }
}

Told LimitNode::stop_clients() {
  clients_stop_ = true;
  for (auto& client : clients_) client.get();
  clients_.clear();
  Told all;
  for (const Told& told : told_) all.add(told);
  told_.clear();
  return all;
}

std::string LimitNode::log() {
  log_.flush();
  return content_of(folder_.path() / "log");
}

int LimitNode::logged(const std::string& event) {
  std::istringstream lines(log());
  int count = 0;
  for (std::string line; std::getline(lines, line);) count += line.contains("\"" + event + "\"") ? 1 : 0;
  return count;
}

}  // namespace tenon::test
