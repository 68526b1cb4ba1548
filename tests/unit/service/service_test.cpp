// The road of a request that reaches no database: one that is thrown off it, and one that has to wait.
#include "service/service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "service/signature_stage.hpp"
#include "support/temporary_folder.hpp"
#include "unit/safeguards/request_with.hpp"

namespace tenon::service {
namespace {

namespace asio = boost::asio;
using safeguards::RequestWith;
using testing::HasSubstr;

constexpr Instant now{std::chrono::seconds{1'764'652'871}};

asio::awaitable<http::Response> throw_later(Here, const Incoming&) {
  throw std::runtime_error("broken beyond repair");
  co_return http::Response(200);
}

asio::awaitable<http::Response> throw_something_else(Here, const Incoming&) {
  throw 7;
  co_return http::Response(200);
}

class AService : public testing::Test {
 protected:
  AService() {
    limits_.define("few", "3/min");
    const Policy policy{.address_limit = "few"};
    service_.add({{http::Method::get, "/throws", policy, DirectHandler(throw_later)},
                  {http::Method::get, "/throws-else", policy, DirectHandler(throw_something_else)},
                  {http::Method::get, "/throws-at-once", policy,
                   CallHandler([](const Incoming&) -> Result<writes::Call> { throw std::runtime_error("at once"); })}});
  }

  static ServiceSettings settings() {
    ServiceSettings settings;
    settings.cors = Cors({"https://shop.example"});
    return settings;
  }
  http::Response get(std::string_view path) {
    RequestWith request(safeguards::Lines{{"Origin", "https://shop.example"}});
    request->path = path;
    request->request_id = "the-one-to-find";
    request->peer = asio::ip::make_address("192.0.2.7");
    std::optional<http::Response> answered;
    asio::co_spawn(context_, service_.handle(*request), [&](const std::exception_ptr& thrown, http::Response response) {
      EXPECT_EQ(thrown, nullptr) << "nobody counts what the session makes of it";
      answered = std::move(response);
    });
    context_.restart();
    context_.run();
    return std::move(answered).value();
  }
  [[nodiscard]] std::string logged() const {
    log_.flush();
    std::ostringstream text;
    text << std::ifstream(folder_.path() / "log").rdbuf();
    return text.str();
  }

  test::TemporaryFolder folder_;
  asio::io_context context_{1};
  std::array<asio::io_context*, 1> contexts_{&context_};
  mutable Logger log_{(folder_.path() / "log").string(), LogLevel::info};
  Metrics metrics_;
  writes::Writer writer_{contexts_, {.conninfo = "host=/nowhere connect_timeout=1"}, log_, metrics_};
  writes::Transactions transactions_{contexts_, "", 1, log_};
  LimitsTable limits_;
  safeguards::TokenVerifier tokens_{"an HS256 secret of thirty-two b."};
  safeguards::MemoryBucketStore buckets_{1'000, [] { return std::int64_t{1'000'000'000}; }};
  signature::SecretSealer sealer_{"an HS256 secret of thirty-two b."};
  SigningKeys keys_{writer_, sealer_, log_};
  SignatureGuard signatures_{.rules = {}, .keys = keys_};
  Guards guards_{.trusted_proxies = {},
                 .tokens = tokens_,
                 .limits = limits_,
                 .buckets = buckets_,
                 .node_buckets = buckets_,
                 .live_keys = {.name = "live-keys", .rate = {}, .mode = safeguards::Mode::off},
                 .signatures = &signatures_};
  Service service_{settings(), guards_, writer_, transactions_, metrics_, log_};
};

TEST_F(AService, AnswersLogsAndCountsWhatAHandlerThrowsLikeAnythingElse) {
  for (const char* path : {"/throws", "/throws-else", "/throws-at-once"}) {
    const http::Response response = get(path);
    EXPECT_EQ(response.status(), 500) << path;
    EXPECT_EQ(response.refused_for(), ProblemCode::internal_error) << path;
    EXPECT_THAT(response.body(), testing::Not(HasSubstr("broken"))) << path;
    EXPECT_TRUE(response.header("RateLimit")) << path;
    EXPECT_EQ(response.header("Access-Control-Allow-Origin"), "https://shop.example") << path;
    EXPECT_THAT(metrics_.render(),
                HasSubstr(R"(tenon_requests_total{route="GET )" + std::string(path) + R"(",status="500"} 1)"));
  }
  const std::string log = logged();
  EXPECT_THAT(log, HasSubstr("broken beyond repair"));
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = log.find(R"("event":"request")", at)) != std::string::npos; ++at) ++lines;
  EXPECT_EQ(lines, 3U) << log;
}

// What is done for one request has one deadline together, or a stop would not wait long enough for it.
TEST_F(AService, ReadsTheKeyOfASignatureWithinTheRequestsOwnDeadline) {
  RequestWith request;
  const Route route{.method = http::Method::get, .pattern = "/", .policy = {}, .handler = CallHandler()};
  const Monotonic began = monotonic_now();
  Exchange x{.request = *request, .route = route, .now = now, .deadline = began + std::chrono::milliseconds(200)};
  x.presented.emplace().key_id = "0199b2f0-7e61-7c4e-8d3a-5f6e7a8b9c0d";
  writer_.start();
  std::optional<Problem> refusal;
  asio::co_spawn(context_, judge_presented(guards_, x), [&](const std::exception_ptr&, std::optional<Problem> judged) {
    refusal = std::move(judged);
    writer_.stop();
    context_.stop();
  });
  context_.run();
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, ProblemCode::database_unavailable);
  EXPECT_LT(monotonic_now() - began, limits::request_deadline);
}

}  // namespace
}  // namespace tenon::service
