#include "safeguards/signature/outgoing.hpp"

#include <gtest/gtest.h>

#include "unit/signature/signed_request.hpp"

namespace tenon::signature {
namespace {

TEST(OutgoingRequest, GoesWhereTheUrlSays) {
  OutgoingRequest request;
  EXPECT_TRUE(request.go_to("https://Shop.example:8443/api/x?y=1"));
  EXPECT_TRUE(request.secure);
  EXPECT_EQ(request.host, "Shop.example:8443");
  EXPECT_EQ(request.target, "/api/x?y=1");
  EXPECT_TRUE(request.go_to("http://[::1]:80"));
  EXPECT_EQ(request.target, "/");
  EXPECT_TRUE(request.go_to("http://a?q"));
  EXPECT_EQ(request.target, "/?q");
  for (const char* url : {"", "ftp://a/", "http://", "http:///x", "http://a b/", "http://a/x y", "http://a/x#f"}) {
    EXPECT_FALSE(request.go_to(url)) << url;
  }
  EXPECT_EQ(request.host, "a") << "unchanged";
}

TEST(OutgoingRequest, SignedIsTakenAndSignedAnewIsTakenUnderTheNewNonce) {
  OutgoingRequest request;
  request.method = http::Method::patch;
  request.headers = {{"idempotency-key", "k-1"}};
  request.body = "{}";
  ASSERT_TRUE(request.go_to("https://shop.example/api/inventory/1?x=2"));
  ASSERT_TRUE(add_signature(request, seller_key(), "key-1", "nonce-000001", signing_time));
  ASSERT_TRUE(add_signature(request, seller_key(), "key-1", "nonce-000002", signing_time));
  EXPECT_EQ(*request.header("content-TYPE"), "application/json");
  TestRequest received{.method = request.method, .target = request.target, .lines = request.headers, .body = "{}"};
  const Key key = known_key();
  EXPECT_EQ(judge(received, &key), "right");
  const auto presented = read_signature(received.view());
  EXPECT_EQ((**presented).nonce, "nonce-000002");
}

TEST(OutgoingRequest, ThatIsNotAsciiIsNotSigned) {
  OutgoingRequest request;
  request.host = "a";
  request.headers = {{"Idempotency-Key", "\xc3\xbc"}};
  EXPECT_FALSE(add_signature(request, seller_key(), "key-1", "nonce-000001", signing_time));
}

}  // namespace
}  // namespace tenon::signature
