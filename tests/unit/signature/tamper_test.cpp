// Signed once, then changed in every part: what is covered is refused, what is not makes no difference to the verdict.
#include <gtest/gtest.h>

#include <functional>

#include "unit/signature/signed_request.hpp"

namespace tenon::signature {
namespace {

struct Change {
  const char* what;
  std::function<void(TestRequest&)> apply;
  const char* verdict;
};

std::string bent(std::string text, std::size_t at) {
  text[at] = static_cast<char>(text[at] ^ 1);
  return text;
}

std::string line(const TestRequest& request, const std::string& name) {
  for (const auto& [known, value] : request.lines) {
    if (known == name) return value;
  }
  return {};
}

std::function<void(TestRequest&)> replace_in(const std::string& name, const std::string& from, const std::string& to) {
  return [=](TestRequest& request) {
    std::string value = line(request, name);
    const std::size_t at = value.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    request.set(name, value.replace(at, from.size(), to));
  };
}

const Change changes[] = {
    {"the method", [](TestRequest& r) { r.method = http::Method::put; }, "signature_invalid"},
    {"the path", [](TestRequest& r) { r.target[r.target.find('?') - 1] = '2'; }, "signature_invalid"},
    {"the path's spelling", [](TestRequest& r) { r.target.replace(1, 1, "%61"); }, "signature_invalid"},
    {"a slash more", [](TestRequest& r) { r.target.insert(0, "/"); }, "signature_invalid"},
    {"the query", [](TestRequest& r) { r.target.back() = '1'; }, "signature_invalid"},
    {"no query", [](TestRequest& r) { r.target.resize(r.target.find('?')); }, "signature_invalid"},
    {"more query", [](TestRequest& r) { r.target += "&x=1"; }, "signature_invalid"},
    {"the host", [](TestRequest& r) { r.set("Host", "shop.examplf"); }, "signature_invalid"},
    {"the port", [](TestRequest& r) { r.set("Host", "shop.example:8443"); }, "signature_invalid"},
    {"the body", [](TestRequest& r) { r.body = R"({"decrement":3})"; }, "content_digest_mismatch"},
    {"white space in the body", [](TestRequest& r) { r.body += ' '; }, "content_digest_mismatch"},
    {"no body", [](TestRequest& r) { r.body.clear(); }, "content_digest_mismatch"},
    {"body and digest",
     [](TestRequest& r) {
       r.body = R"({"decrement":3})";
       r.set("Content-Digest", content_digest(r.body));
     },
     "signature_invalid"},
    {"the digest's algorithm",
     [](TestRequest& r) { r.set("Content-Digest", content_digest(r.body, DigestAlgorithm::sha_512)); },
     "signature_invalid"},
    {"no digest", [](TestRequest& r) { r.remove("Content-Digest"); }, "content_digest_mismatch"},
    {"a digest more",
     [](TestRequest& r) { r.lines.emplace_back("Content-Digest", content_digest(r.body, DigestAlgorithm::sha_512)); },
     "signature_invalid"},
    {"the key", [](TestRequest& r) { r.set("Idempotency-Key", "order-8"); }, "signature_invalid"},
    {"the key's spelling", [](TestRequest& r) { r.set("Idempotency-Key", "\"order-7\""); }, "signature_invalid"},
    {"no key", [](TestRequest& r) { r.remove("Idempotency-Key"); }, "signature_invalid"},
    {"a key more", [](TestRequest& r) { r.lines.emplace_back("idempotency-key", "order-8"); }, "signature_invalid"},
    {"the concurrency token", [](TestRequest& r) { r.set("If-Match-Version", "4"); }, "signature_invalid"},
    {"no concurrency token", [](TestRequest& r) { r.remove("If-Match-Version"); }, "signature_invalid"},
    {"another concurrency token", [](TestRequest& r) { r.set("If-Match", "*"); }, "signature_incomplete"},
    {"a date token", [](TestRequest& r) { r.set("If-Unmodified-Since", "x"); }, "signature_incomplete"},
    {"a cache's token", [](TestRequest& r) { r.set("If-None-Match", "*"); }, "signature_incomplete"},
    {"the content's type", [](TestRequest& r) { r.set("Content-Type", "text/plain"); }, "signature_invalid"},
    {"no content type", [](TestRequest& r) { r.remove("Content-Type"); }, "signature_invalid"},
    {"created", replace_in("Signature-Input", "created=1618884473", "created=1618884474"), "signature_invalid"},
    {"the nonce", replace_in("Signature-Input", "nonce-000001", "nonce-000002"), "signature_invalid"},
    {"the key's id", replace_in("Signature-Input", "key-1", "key-2"), "signature_invalid"},
    {"the algorithm", replace_in("Signature-Input", "ed25519", "hmac-sha256"), "signature_invalid"},
    {"no algorithm", replace_in("Signature-Input", ";alg=\"ed25519\"", ""), "signature_invalid"},
    {"an expires", replace_in("Signature-Input", ";nonce", ";expires=1618884999;nonce"), "signature_invalid"},
    {"a tag", replace_in("Signature-Input", ";nonce", ";tag=\"x\";nonce"), "signature_invalid"},
    {"the parameters' order",
     replace_in("Signature-Input", ";keyid=\"key-1\";alg=\"ed25519\"", ";alg=\"ed25519\";keyid=\"key-1\""),
     "signature_invalid"},
    {"the components' order", replace_in("Signature-Input", "\"@method\" \"@authority\"", "\"@authority\" \"@method\""),
     "signature_invalid"},
    {"a component less", replace_in("Signature-Input", " \"if-match-version\"", ""), "signature_incomplete"},
    {"a component more", replace_in("Signature-Input", "\"@query\"", "\"@query\" \"@scheme\""), "signature_invalid"},
    {"a component twice", replace_in("Signature-Input", "\"@query\"", "\"@query\" \"@query\""), "signature_invalid"},
    {"no signature", [](TestRequest& r) { r.remove("Signature"); }, "signature_malformed"},
    {"an empty signature", [](TestRequest& r) { r.set("Signature", "tenon=::"); }, "signature_invalid"},

    {"the token", [](TestRequest& r) { r.set("Authorization", "Bearer another"); }, "right"},
    {"the request id", [](TestRequest& r) { r.set("X-Request-Id", "r-2"); }, "right"},
    {"a header more", [](TestRequest& r) { r.set("Accept", "text/html"); }, "right"},
    {"a proxy's header", [](TestRequest& r) { r.set("X-Forwarded-For", "192.0.2.1"); }, "right"},
    {"the order of headers", [](TestRequest& r) { std::ranges::reverse(r.lines); }, "right"},
    {"the case of a header's name",
     [](TestRequest& r) {
       r.lines.emplace_back("IDEMPOTENCY-KEY", line(r, "Idempotency-Key"));
       r.remove("Idempotency-Key");
     },
     "right"},
    {"the case of the host", [](TestRequest& r) { r.set("Host", "SHOP.EXAMPLE:443"); }, "right"},
    {"white space between parameters", replace_in("Signature-Input", ";nonce", ";  nonce"), "right"},
    {"another's signature beside ours",
     [](TestRequest& r) {
       r.lines.emplace_back("Signature-Input", R"(proxy=();created=1;keyid="p";nonce="12345678")");
       r.lines.emplace_back("Signature", "proxy=:AAAA:");
     },
     "right"},
};

TEST(SignedRequest, IsRightAsItWasSigned) {
  const Key key = known_key();
  EXPECT_EQ(judge(signed_with(sale(), seller_key()), &key), "right");
}

TEST(SignedRequest, ChangedInACoveredPartIsRefusedAndElsewhereItIsNot) {
  const Key key = known_key();
  for (const Change& change : changes) {
    TestRequest request = signed_with(sale(), seller_key());
    change.apply(request);
    EXPECT_EQ(judge(request, &key), change.verdict) << change.what;
  }
}

TEST(SignedRequest, IsRefusedWithAnyBitOfItsSignatureChanged) {
  const Key key = known_key();
  const TestRequest request = signed_with(sale(), seller_key());
  const auto signature = read_signature(TestRequest(request).view());
  const std::string& bytes = (**signature).signature;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    structured::Dictionary header;
    header.emplace_back(our_label, structured::Item{.value = structured::Bytes{bent(bytes, at)}, .parameters = {}});
    TestRequest changed = request;
    changed.set("Signature", *structured::serialize(header));
    EXPECT_EQ(judge(changed, &key), "signature_invalid") << at;
  }
}

// Every single character of what is covered, one after the other.
TEST(SignedRequest, IsRefusedWithAnyCharacterOfTargetOrBodyChanged) {
  const Key key = known_key();
  const TestRequest request = signed_with(sale(), seller_key());
  for (std::size_t at = 0; at < request.target.size(); ++at) {
    TestRequest changed = request;
    changed.target = bent(changed.target, at);
    EXPECT_EQ(judge(changed, &key), "signature_invalid") << at;
  }
  for (std::size_t at = 0; at < request.body.size(); ++at) {
    TestRequest changed = request;
    changed.body = bent(changed.body, at);
    EXPECT_EQ(judge(changed, &key), "content_digest_mismatch") << at;
  }
}

}  // namespace
}  // namespace tenon::signature
