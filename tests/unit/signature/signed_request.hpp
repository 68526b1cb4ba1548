// A sale as its seller signs it, the seller's key as the database knows it, and the whole decision over both.
#pragma once

#include "base/clock.hpp"
#include "safeguards/signature/digest.hpp"
#include "safeguards/signature/message.hpp"
#include "safeguards/signature/sign.hpp"
#include "safeguards/signature/verify.hpp"
#include "unit/signature/request.hpp"
#include "unit/signature/rfc9421_keys.hpp"

namespace tenon::signature {

inline constexpr Instant signing_time = std::chrono::sys_seconds(std::chrono::seconds(1'618'884'473));

inline TestRequest sale() {
  TestRequest request{.method = http::Method::patch,
                      .target = "/api/inventory/018f0000-0000-7000-8000-000000000001?dry=0",
                      .lines = {{"Host", "shop.example"},
                                {"Authorization", "Bearer t"},
                                {"Content-Type", "application/json"},
                                {"Idempotency-Key", "order-7"},
                                {"If-Match-Version", "3"},
                                {"X-Request-Id", "r-1"}},
                      .body = R"({"decrement":2})"};
  request.set("Content-Digest", content_digest(request.body));
  return request;
}

inline TestRequest signed_with(TestRequest request, const SigningKey& key, Instant created = signing_time,
                               const std::string& nonce = "nonce-000001") {
  const auto headers = sign(request.view(), key, "key-1", nonce, created);
  return request.set("Signature-Input", headers->input).set("Signature", headers->signature);
}

inline SigningKey seller_key() {
  return SigningKey::load(Algorithm::ed25519, rfc9421::test_key_ed25519_private).value();
}

inline Key known_key() {
  return {.id = "key-1",
          .user = "seller",
          .verifier = VerifyingKey::load(Algorithm::ed25519, rfc9421::test_key_ed25519_public).value(),
          .expires = {}};
}

// "right", or the problem's code.
inline std::string judge(TestRequest request, const Key* key, Instant now = signing_time, const Rules& rules = {},
                         std::string_view user = "seller") {
  const http::Request view = request.view();
  const auto presented = read_signature(view);
  if (!presented) return std::string(kind_of(presented.error().code).code);
  if (!*presented) return "none";
  const auto verified = verify(view, **presented, key, user, rules, now);
  return verified ? "right" : std::string(kind_of(verified.error().code).code);
}

}  // namespace tenon::signature
