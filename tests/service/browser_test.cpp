// What browsers are told: security headers on every answer, and nothing of other origins unless they are named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/inventory.hpp"

namespace tenon::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(EveryAnswer, TellsBrowsersWhatNotToMakeOfIt) {
  const Node& node = shared_node();
  RawClient malformed(node.port());
  malformed.send("nonsense\r\n\r\n");
  for (const RawResponse& response :
       {node.call({.path = "/healthz"}), node.call({.path = "/nowhere"}), node.call({.path = "/api/inventory"}),
        node.call({.path = "/problems/not-found"}), node.call({.path = "/metrics"}),
        node.call(get(node, "/api/inventory")), malformed.read()}) {
    EXPECT_EQ(response.header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(response.header("Content-Security-Policy"), "default-src 'none'; frame-ancestors 'none'");
    EXPECT_EQ(response.header("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(response.header("Cross-Origin-Resource-Policy"), "same-origin");
    EXPECT_FALSE(response.header("Strict-Transport-Security")) << "means nothing without TLS";
    EXPECT_FALSE(response.header("Access-Control-Allow-Origin"));
    EXPECT_FALSE(response.header("Vary"));
  }
}

TEST(OtherOrigins, AreRefusedUnlessNamed) {
  const Node& node = shared_node();
  const RawResponse preflight =
      node.call({.method = "OPTIONS",
                 .path = "/api/inventory",
                 .headers = {{"Origin", "https://shop.example"}, {"Access-Control-Request-Method", "POST"}}});
  EXPECT_EQ(preflight.status, 405);
  EXPECT_FALSE(preflight.header("Access-Control-Allow-Origin"));
}

TEST(ANamedOrigin, MayAskAndRead) {
  const Node node({.arguments = {"--cors-origin", "https://shop.example,http://localhost:3000"}});
  const std::string item = make_item(node, 5);
  const auto asked = [&](const std::string& path, const std::string& origin, const std::string& method) {
    return node.call({.method = "OPTIONS",
                      .path = path,
                      .headers = {{"Origin", origin},
                                  {"Access-Control-Request-Method", method},
                                  {"Access-Control-Request-Headers", "authorization,idempotency-key"}}});
  };
  const RawResponse allowed = asked("/api/inventory/" + item, "https://shop.example", "PATCH");
  EXPECT_EQ(allowed.status, 204);
  EXPECT_EQ(allowed.header("Access-Control-Allow-Origin"), "https://shop.example");
  EXPECT_EQ(allowed.header("Access-Control-Allow-Methods"), "GET, HEAD, PATCH, DELETE");
  EXPECT_THAT(allowed.header("Access-Control-Allow-Headers").value_or(""), HasSubstr("Idempotency-Key"));
  EXPECT_FALSE(allowed.header("Access-Control-Allow-Credentials"));
  EXPECT_THAT(allowed.header("Vary").value_or(""), HasSubstr("Origin"));
  EXPECT_EQ(asked("/api/inventory", "http://localhost:3000", "GET").status, 204);
  EXPECT_EQ(asked("/nowhere", "https://shop.example", "GET").status, 404);
  for (const char* stranger : {"https://shop.example.evil", "http://shop.example", "https://shop.example:444", "null",
                               "https://SHOP.example", "*", ""}) {
    const RawResponse refused = asked("/api/inventory", stranger, "GET");
    EXPECT_EQ(refused.status, 403) << stranger;
    EXPECT_FALSE(refused.header("Access-Control-Allow-Origin")) << stranger;
    EXPECT_EQ(refused.header("Vary"), "Origin") << stranger;
  }

  ApiCall sale = sell(node, item, 1);
  sale.headers = {{"Origin", "https://shop.example"}};
  const RawResponse sold = node.call(sale);
  EXPECT_EQ(sold.status, 200);
  EXPECT_EQ(sold.header("Access-Control-Allow-Origin"), "https://shop.example");
  EXPECT_THAT(sold.header("Access-Control-Expose-Headers").value_or(""), HasSubstr("Idempotency-Status"));
  const RawResponse refused = node.call({.path = "/api/inventory", .headers = {{"Origin", "https://shop.example"}}});
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.header("Access-Control-Allow-Origin"), "https://shop.example") << "a page may read why";
  const RawResponse elsewhere = node.call({.path = "/healthz", .headers = {{"Origin", "https://evil.example"}}});
  EXPECT_EQ(elsewhere.status, 200);
  EXPECT_FALSE(elsewhere.header("Access-Control-Allow-Origin"));
  EXPECT_EQ(elsewhere.header("Vary"), "Origin");
  EXPECT_EQ(node.call({.path = "/healthz"}).header("Vary"), "Origin");
  EXPECT_EQ(node.call({.method = "OPTIONS", .path = "/healthz"}).status, 405) << "no preflight";
}

TEST(Origins, AreWrittenAsBrowsersWriteThem) {
  for (const char* bad : {"*", "null", "shop.example", "https://shop.example/", "https://Shop.example", "ftp://a",
                          "https://shop.example:443", "http://shop.example:80", "https://", "https://a b",
                          "https://user@shop.example", "https://*.shop.example"}) {
    const Ended ended = run_tenon({"config", "check", "--cors-origin", bad});
    EXPECT_NE(ended.exit_code, 0) << bad;
    EXPECT_THAT(ended.errors, HasSubstr("--cors-origin")) << bad;
  }
  EXPECT_EQ(run_tenon({"config", "check", "--cors-origin", "https://shop.example,http://[::1]:3000"}).exit_code, 0);
}

}  // namespace
}  // namespace tenon::test
