// A service with a database of its own and no server around it: what its guards believe is the test's to say.
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "inventory/handlers.hpp"
#include "inventory/operations.hpp"
#include "service/service.hpp"
#include "support/cluster.hpp"
#include "unit/safeguards/request_with.hpp"

namespace tenon::service {
namespace {

namespace asio = boost::asio;

const std::string secret = "an HS256 secret of thirty-two b.";

class AWritingService : public testing::Test {
 protected:
  AWritingService() {
    limits_.define("per-user", "5/min");
    cluster_.migrate();
    service_.add(
        {{http::Method::post,
          "/api/inventory",
          {.scope = "inventory:create", .key = Need::required, .roles = roles::admin, .user_limit = "per-user"},
          CallHandler([this](const Incoming& in) { return inventory::create_item(operations_, in); })}});
    writer_.start();
  }
  ~AWritingService() override {
    writer_.stop();
    context_.restart();
    context_.run();
  }

  http::Response make_item(const std::string& key) {
    safeguards::RequestWith request(safeguards::Lines{
        {"Authorization",
         "Bearer " + safeguards::issue_token(secret, "alice", safeguards::Role::admin, wall_now(), 60)},
        {"Content-Type", "application/json"},
        {"Idempotency-Key", key}});
    request->method = http::Method::post;
    request->path = "/api/inventory";
    request->body = R"({"name":"Chair","price":1})";
    request->peer = asio::ip::make_address("192.0.2.7");
    std::optional<http::Response> answered;
    asio::co_spawn(context_, service_.handle(*request), [&](const std::exception_ptr&, http::Response response) {
      answered = std::move(response);
      context_.stop();
    });
    context_.restart();
    context_.run();
    return std::move(answered).value();
  }

  test::TestCluster cluster_{test::Durability::durable};
  asio::io_context context_{1};
  std::array<asio::io_context*, 1> contexts_{&context_};
  Logger log_{"/dev/null", LogLevel::off};
  Metrics metrics_;
  writes::Writer writer_{contexts_, {.conninfo = cluster_.edge()}, log_, metrics_};
  writes::Transactions transactions_{contexts_, cluster_.edge(), 1, log_};
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
};

TEST_F(AWritingService, ChargesTheUserForWhatWasTakenForAReplayAndRan) {
  guards_.known_replay = [](const Uuid&) { return true; };
  const http::Response ran = make_item("forgotten-meanwhile");
  EXPECT_EQ(ran.status(), 201) << ran.body();
  EXPECT_EQ(ran.header("Idempotency-Status"), "stored");
  const http::Response repeated = make_item("forgotten-meanwhile");
  EXPECT_EQ(repeated.header("Idempotency-Status"), "replayed") << repeated.body();
  guards_.known_replay = {};
  const http::Response charged = make_item("a-fresh-key");
  EXPECT_EQ(charged.status(), 201) << charged.body();
  EXPECT_TRUE(charged.header("RateLimit").value_or("").starts_with(R"("per-user";r=3;)"))
      << charged.header("RateLimit").value_or("none") << ": of five, one for what ran first and one for this";
}

}  // namespace
}  // namespace tenon::service
