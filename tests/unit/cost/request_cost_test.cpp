// What a request costs the node, counted in allocations: a number that does not depend on the machine or its load.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <fstream>
#include <map>
#include <string>

#include "http/answer.hpp"
#include "http/framer.hpp"
#include "inventory/operations.hpp"
#include "inventory/routes.hpp"
#include "safeguards/idempotency/key.hpp"
#include "service/service.hpp"
#include "unit/cost/allocations.hpp"

namespace tenon::service {
namespace {

namespace asio = boost::asio;

constexpr const char* figures = "tests/unit/cost/allocations_per_request.txt";
constexpr double margin = 0.15;
constexpr int warm_up_requests = 20;  // buffers grow, counters are made, the token is remembered
constexpr int counted_requests = 50;

const std::string secret = "an HS256 secret of thirty-two b.";
const std::string item = "/api/inventory/0199b2f0-7e61-7c4e-8d3a-5f6e7a8b9c0d";
constexpr std::string_view sale = R"({"decrement":1})";

asio::awaitable<http::Response> healthy(Here, const Incoming&) {
  co_return http::Response::json(200, R"({"status":"alive"})");
}

// A node without sockets and without a database: its lanes take nothing.
class Node {
 public:
  explicit Node(std::string_view limit) {
    inventory::define_limits(limits_);
    EXPECT_FALSE(limits_.override_with("inventory-write=" + std::string(limit)));
    service_.add(inventory::routes(operations_));
    service_.add({{http::Method::get, "/healthz", {}, DirectHandler(healthy)}});
  }

  // The answer's bytes to a request's bytes, as a connection makes them.
  std::string exchange(std::string_view bytes) {
    const std::span<char> room = framer_.room();
    std::ranges::copy(bytes, room.begin());
    framer_.received(bytes.size());
    EXPECT_EQ(framer_.advance(), http::Framer::Progress::complete);
    http::Request& request = framer_.request();
    request.peer = peer_;
    request.request_id = "0123456789abcdef-000001";
    out_.clear();
    asio::co_spawn(context_, answer(), asio::detached);
    context_.restart();
    context_.run();
    framer_.release();
    return out_.substr(0, out_.find("\r\n"));
  }

  // As if this sale had been made under this key a moment ago.
  void remember(std::string_view bytes, std::string_view key) {
    http::Framer framer(limits::body_bytes_max);
    std::ranges::copy(bytes, framer.room().begin());
    framer.received(bytes.size());
    EXPECT_EQ(framer.advance(), http::Framer::Progress::complete);
    const auto body = json::parse(framer.request().body);
    asio::co_spawn(context_,
                   remember(safeguards::claim_of("inventory:update", "clerk-1", key),
                            safeguards::fingerprint(framer.request(), &*body)),
                   asio::detached);
    context_.restart();
    context_.run();
  }

 private:
  asio::awaitable<void> answer() {
    const http::Response response = co_await service_.handle(framer_.request());
    http::append_answer(out_, response, {.request_id = framer_.request().request_id, .date = date_});
  }
  static asio::awaitable<Result<writes::Reply>> sold() {
    co_return writes::Reply{.body = std::string(300, ' '),
                            .version = 7,
                            .modified = wall_now(),
                            .expires = wall_now() + std::chrono::hours{1},
                            .known_until = monotonic_now() + std::chrono::hours{1},
                            .audit_id = 4711};
  }
  asio::awaitable<void> remember(Uuid claim, Digest fingerprint) {
    const writes::Writer::Work work = sold;
    const auto reply = co_await writer_.once(context_, claim, fingerprint, false, Monotonic::max(), work);
    EXPECT_TRUE(reply);
  }

  asio::io_context context_{1};
  std::array<asio::io_context*, 1> contexts_{&context_};
  Logger log_{"/dev/null", LogLevel::info};
  Metrics metrics_;
  writes::Writer writer_{contexts_, {.conninfo = "", .queue_max = 0}, log_, metrics_};
  writes::Transactions transactions_{contexts_, "", 1, log_};
  LimitsTable limits_;
  safeguards::TokenVerifier tokens_{secret};
  safeguards::MemoryBucketStore buckets_{1'000, [] { return std::int64_t{1'000'000'000}; }};
  Guards guards_{.trusted_proxies = {},
                 .tokens = tokens_,
                 .limits = limits_,
                 .buckets = buckets_,
                 .node_buckets = buckets_,
                 .live_keys = {.name = "live-keys", .rate = {}, .mode = safeguards::Mode::off}};
  inventory::Operations operations_;
  Service service_{{}, guards_, writer_, transactions_, metrics_, log_};
  http::Framer framer_{limits::body_bytes_max};
  asio::ip::address peer_ = asio::ip::make_address("192.0.2.7");
  std::string date_ = http::http_date(std::chrono::sys_seconds{std::chrono::seconds{1'764'652'871}});
  std::string out_;
};

std::string request(std::string_view line, std::string_view key = "", std::string_view body = "") {
  static const std::string token =
      safeguards::issue_token(secret, "clerk-1", safeguards::Role::staff, wall_now(), 86'400);
  std::string bytes =
      std::string(line) + " HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: Bearer " + token + "\r\n";
  if (!key.empty()) bytes += "Idempotency-Key: " + std::string(key) + "\r\n";
  if (!body.empty()) {
    bytes += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return bytes + "\r\n" + std::string(body);
}

std::map<std::string, double> written_down() {
  std::map<std::string, double> costs;
  std::ifstream file(figures);
  for (std::string line; std::getline(file, line);) {
    const std::size_t space = line.find(' ');
    if (!line.starts_with('#')) costs[line.substr(0, space)] = std::stod(line.substr(space));
  }
  return costs;
}

double cost(Node& node, const std::string& bytes, const std::string& answer) {
  for (int i = 0; i < warm_up_requests; ++i) EXPECT_EQ(node.exchange(bytes), answer);
  const std::size_t before = test::allocations();
  for (int i = 0; i < counted_requests; ++i) (void)node.exchange(bytes);
  return static_cast<double>(test::allocations() - before) / counted_requests;
}

TEST(ARequest, AllocatesNoMoreThanIsWrittenDown) {
  const std::map<std::string, double> figure = written_down();
  ASSERT_FALSE(figure.empty()) << "run it in the project's folder";
  Node node("off");
  Node strict("1/day");
  const std::string fresh = request("PATCH " + item, "a-fresh-key-1", sale);
  const std::string known = request("PATCH " + item, "a-known-key-1", sale);
  node.remember(known, "a-known-key-1");
  (void)strict.exchange(fresh);  // takes the only token
  const std::map<std::string, double> measured{
      {"fixed_answer", cost(node, request("GET /healthz"), "HTTP/1.1 200 OK")},
      {"refused_by_a_limit", cost(strict, fresh, "HTTP/1.1 429 Too Many Requests")},
      {"replay", cost(node, known, "HTTP/1.1 200 OK")},
      {"sale_up_to_its_lane", cost(node, fresh, "HTTP/1.1 503 Service Unavailable")}};
  for (const auto& [name, allocations] : measured) {
    RecordProperty(name, std::to_string(allocations));
    ASSERT_TRUE(figure.contains(name)) << name << " is not in " << figures;
    EXPECT_LE(allocations, figure.at(name) * (1 + margin)) << name << " costs more than " << figures << " says";
    EXPECT_GE(allocations, figure.at(name) * (1 - margin))
        << name << " costs less: write " << allocations << " into " << figures;
  }
  EXPECT_EQ(measured.size(), figure.size()) << figures << " has figures of what is not measured";
}

// The counter counts: or nothing above would ever fail.
TEST(TheCounter, SeesEachAllocation) {
  const std::size_t before = test::allocations();
  const std::vector<std::string> three(2, std::string(100, 'x'));
  EXPECT_GE(test::allocations() - before, 3U);
}

}  // namespace
}  // namespace tenon::service
