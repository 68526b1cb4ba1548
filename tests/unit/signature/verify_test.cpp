#include "safeguards/signature/verify.hpp"

#include <gtest/gtest.h>

#include "unit/signature/signed_request.hpp"

namespace tenon::signature {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(Signature, OfEachAlgorithmIsAccepted) {
  for (const Algorithm algorithm : algorithms) {
    const KeyPair pair = generate(algorithm);
    Key key = known_key();
    key.verifier = VerifyingKey::load(algorithm, pair.public_half).value();
    const auto request = signed_with(sale(), SigningKey::load(algorithm, pair.private_half).value());
    EXPECT_EQ(judge(request, &key), "right") << name_of(algorithm);
    key.verifier = VerifyingKey::load(algorithm, generate(algorithm).public_half).value();
    EXPECT_EQ(judge(request, &key), "signature_invalid") << name_of(algorithm);
  }
}

TEST(Signature, IsGoodWithinItsWindowAndNotAMicrosecondBeyond) {
  const Rules rules{.window = seconds(50), .skew = seconds(5), .authorities = {}};
  const auto request = signed_with(sale(), seller_key());
  const Key key = known_key();
  const struct {
    microseconds later;
    const char* verdict;
  } rows[] = {
      {microseconds(0), "right"},
      {seconds(50), "right"},
      {seconds(50) + microseconds(1), "signature_expired"},
      {seconds(3600), "signature_expired"},
      {-seconds(5), "right"},
      {-seconds(5) - microseconds(1), "signature_expired"},
      {-seconds(3600), "signature_expired"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(judge(request, &key, signing_time + row.later, rules), row.verdict) << row.later.count();
  }
}

// Signs `parameters` over all that must be covered: what sign() itself never makes.
TestRequest signed_so(const std::string& parameters) {
  TestRequest request = sale();
  const std::string input =
      R"(("@method" "@authority" "@path" "@query" "content-digest" "idempotency-key" "content-type" "if-match-version"))" +
      parameters;
  const auto covered = std::get<structured::InnerList>(structured::parse_list(input)->front());
  const auto base = signature_base(message_of(request.view()), covered);
  structured::Dictionary signature;
  signature.emplace_back("sig",
                         structured::Item{.value = structured::Bytes{seller_key().sign(*base)}, .parameters = {}});
  return request.set("Signature-Input", "sig=" + input).set("Signature", *structured::serialize(signature));
}

TEST(Signature, EndsWithItsExpiresEvenInsideTheWindow) {
  const auto request = signed_so(R"(;created=1618884473;expires=1618884483;keyid="key-1";nonce="12345678")");
  const Key key = known_key();
  EXPECT_EQ(judge(request, &key, signing_time + seconds(10)), "right");
  EXPECT_EQ(judge(request, &key, signing_time + seconds(10) + microseconds(1)), "signature_expired");
}

TEST(Signature, WithTimesThatNoClockHasIsExpired) {
  const Key key = known_key();
  for (const char* created : {"-1", "253402300800", "999999999999999", "-999999999999999"}) {
    const auto request = signed_so(";created=" + std::string(created) + R"(;keyid="key-1";nonce="12345678")");
    EXPECT_EQ(judge(request, &key), "signature_expired") << created;
  }
  EXPECT_EQ(judge(signed_so(R"(;created=1618884473;expires=999999999999999;keyid="key-1";nonce="12345678")"), &key),
            "signature_expired");
}

// One answer for all of it: who forges learns nothing from how it failed.
TEST(Signature, WhoseKeyIsWrongInAnyWayIsInvalidAndNothingElse) {
  const auto request = signed_with(sale(), seller_key());
  const Key good = known_key();
  Key revoked = good;
  revoked.revoked = true;
  Key expired = good;
  expired.expires = signing_time;
  Key later = good;
  later.expires = signing_time + microseconds(1);
  Key somebody_elses = good;
  somebody_elses.user = "somebody-else";
  Key another_algorithm = good;
  another_algorithm.verifier =
      VerifyingKey::load(Algorithm::ecdsa_p256_sha256, rfc9421::test_key_ecc_p256_public).value();
  EXPECT_EQ(judge(request, &good), "right");
  EXPECT_EQ(judge(request, &later), "right");
  EXPECT_EQ(judge(request, nullptr), "signature_invalid");
  EXPECT_EQ(judge(request, &revoked), "signature_invalid");
  EXPECT_EQ(judge(request, &expired), "signature_invalid");
  EXPECT_EQ(judge(request, &somebody_elses), "signature_invalid");
  EXPECT_EQ(judge(request, &another_algorithm), "signature_invalid");
  EXPECT_EQ(judge(request, &good, signing_time, {}, "somebody-else"), "signature_invalid");
  Key nobodys = good;
  nobodys.user = "";
  EXPECT_EQ(judge(request, &nobodys, signing_time, {}, ""), "signature_invalid");
  const auto presented = read_signature(TestRequest(request).view());
  EXPECT_EQ(verify(TestRequest(request).view(), **presented, nullptr, "seller", {}, signing_time).error().detail, "");
}

TEST(Signature, MayNameItsKeysAlgorithmAndNoOther) {
  const Key key = known_key();
  EXPECT_EQ(judge(signed_so(R"(;created=1618884473;keyid="key-1";nonce="12345678";alg="ed25519")"), &key), "right");
  EXPECT_EQ(judge(signed_so(R"(;created=1618884473;keyid="key-1";nonce="12345678";alg="hmac-sha256")"), &key),
            "signature_invalid");
}

TEST(Signature, IsForTheAuthoritiesThatAreOurs) {
  const auto request = signed_with(sale(), seller_key());
  const Key key = known_key();
  EXPECT_EQ(judge(request, &key, signing_time, {.authorities = {"other.example", "shop.example"}}), "right");
  EXPECT_EQ(judge(request, &key, signing_time, {.authorities = {"other.example"}}), "signature_invalid");
  TestRequest upper = sale();
  upper.set("Host", "SHOP.example:443");
  EXPECT_EQ(judge(signed_with(upper, seller_key()), &key, signing_time, {.authorities = {"shop.example"}}), "right");
}

TEST(Cover, IsWhatTheRequestCarries) {
  const auto cover = [](TestRequest request) {
    std::string names;
    for (const std::string_view name : required_cover(request.view())) names.append(name).append(" ");
    return names;
  };
  EXPECT_EQ(cover({.method = http::Method::get, .lines = {{"Host", "a"}, {"Accept", "b"}}}),
            "@method @authority @path @query ");
  EXPECT_EQ(cover({.lines = {{"Host", "a"}}, .body = "{}"}), "@method @authority @path @query content-digest ");
  EXPECT_EQ(cover({.lines = {{"IF-MATCH", "a"},
                             {"if-unmodified-since", "b"},
                             {"If-Match-Version", "c"},
                             {"If-None-Match", "d"},
                             {"Content-Type", "e"},
                             {"Idempotency-Key", "f"},
                             {"Content-Digest", "g"}}}),
            "@method @authority @path @query content-digest idempotency-key content-type if-match if-match-version "
            "if-unmodified-since if-none-match ");
}

TEST(Cover, ThatLacksOneNameIsIncompleteAndSaysWhich) {
  const Key key = known_key();
  const TestRequest whole = sale();
  for (const std::string_view missing : required_cover(TestRequest(whole).view())) {
    TestRequest request = whole;
    structured::InnerList covered;
    for (const std::string_view name : required_cover(request.view())) {
      if (name != missing) covered.items.push_back(component(name));
    }
    covered.parameters = {
        {"created", std::int64_t{1618884473}}, {"keyid", std::string("key-1")}, {"nonce", std::string("12345678")}};
    const auto base = signature_base(message_of(request.view()), covered);
    structured::Dictionary input;
    input.emplace_back("sig", covered);
    structured::Dictionary signature;
    signature.emplace_back("sig",
                           structured::Item{.value = structured::Bytes{seller_key().sign(*base)}, .parameters = {}});
    request.set("Signature-Input", *structured::serialize(input)).set("Signature", *structured::serialize(signature));
    EXPECT_EQ(judge(request, &key), "signature_incomplete") << missing;
    const auto presented = read_signature(request.view());
    EXPECT_EQ(check_presented(request.view(), **presented, {}, signing_time)->detail,
              "The signature does not cover: " + std::string(missing) + ".");
  }
}

// A component with a parameter is another component: its value need not be the whole of the field.
TEST(Cover, CountsNoComponentThatHasParameters) {
  TestRequest request{.method = http::Method::get, .lines = {{"Host", "a"}, {"If-None-Match", "\"v1\""}}};
  request.set("Signature", "sig=:AAAA:")
      .set(
          "Signature-Input",
          R"(sig=("@method" "@authority" "@path" "@query" "if-none-match";bs);created=1618884473;keyid="k";nonce="12345678")");
  const Key key = known_key();
  EXPECT_EQ(judge(request, &key), "signature_incomplete");
}

TEST(Sign, MakesNothingThatWouldNotBeRead) {
  TestRequest request = sale();
  EXPECT_FALSE(sign(request.view(), seller_key(), "key-1", "short", signing_time));
  EXPECT_FALSE(sign(request.view(), seller_key(), "key-1", std::string(129, 'n'), signing_time));
  EXPECT_FALSE(sign(request.view(), seller_key(), "key\n1", "nonce-000001", signing_time));
  request.set("Idempotency-Key", "\xc3\xbc");
  EXPECT_FALSE(sign(request.view(), seller_key(), "key-1", "nonce-000001", signing_time));
}

TEST(Nonce, IsFreshEachTime) {
  EXPECT_NE(random_nonce(), random_nonce());
  EXPECT_GE(random_nonce().size(), nonce_bytes_min);
}

}  // namespace
}  // namespace tenon::signature
