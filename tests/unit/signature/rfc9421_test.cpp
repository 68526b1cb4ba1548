// The examples of RFC 9421's text: sections 2.5 with 3.1, 4.3, and appendices B.2 to B.4.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "safeguards/signature/digest.hpp"
#include "safeguards/signature/key.hpp"
#include "safeguards/signature/message.hpp"
#include "unit/signature/request.hpp"
#include "unit/signature/rfc9421_keys.hpp"

namespace tenon::signature {
namespace {

constexpr const char* digest_of_hello =
    "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";

// B.2's test-request.
TestRequest test_request() {
  return {.lines = {{"Host", "example.com"},
                    {"Date", "Tue, 20 Apr 2021 02:07:55 GMT"},
                    {"Content-Type", "application/json"},
                    {"Content-Digest", digest_of_hello},
                    {"Content-Length", "18"}},
          .body = R"({"hello": "world"})"};
}

std::string bytes_of(const std::string& base64) {
  return std::get<structured::Bytes>(structured::parse_item(":" + base64 + ":")->value).bytes;
}

VerifyingKey key_of(const std::string& id, Algorithm algorithm) {
  const std::string material = id == "test-key-rsa"         ? rfc9421::test_key_rsa_public
                               : id == "test-key-rsa-pss"   ? rfc9421::test_key_rsa_pss_public
                               : id == "test-key-ecc-p256"  ? rfc9421::test_key_ecc_p256_public
                               : id == "test-key-ed25519"   ? rfc9421::test_key_ed25519_public
                               : id == "test-shared-secret" ? bytes_of(rfc9421::test_shared_secret)
                                                            : "";
  return VerifyingKey::load(algorithm, material).value();
}

structured::InnerList covered_by(const std::string& input) {
  return std::get<structured::InnerList>(structured::parse_list(input)->front());
}

struct Example {
  const char* section;
  Algorithm algorithm;
  const char* key;
  const char* input;  // the value of Signature-Input after its label
  const char* signature;
  const char* base;  // without the last line, which repeats the input
};

const Example examples[] = {
    {"3.1", Algorithm::rsa_pss_sha512, "test-key-rsa-pss",
     R"(("@method" "@authority" "@path" "content-digest" "content-length" "content-type");created=1618884473;keyid="test-key-rsa-pss")",
     "HIbjHC5rS0BYaa9v4QfD4193TORw7u9edguPh0AW3dMq9WImrlFrCGUDih47vAxi4L2YRZ3XMJc1uOKk/"
     "J0ZmZ+wcta4nKIgBkKq0rM9hs3CQyxXGx"
     "HLMCy8uqK488o+9jrptQ+xFPHK7a9sRL1IXNaagCNN3ZxJsYapFj+JXbmaI5rtAdSfSvzPuBCh+"
     "ARHBmWuNo1UzVVdHXrl8ePL4cccqlazIJdC4QEj"
     "rF+Sn4IxBQzTZsL9y9TP5FsZYzHvDqbInkTNigBcE9cKOYNFCn4D/WM7F6TNuZO9EgtzepLWcjTymlHzK7aXq6Am6sfOrpIC49yXjj3ae6HRalVc/"
     "g"
     "==",
     "\"@method\": POST\n\"@authority\": example.com\n\"@path\": /foo\n\"content-digest\": "
     "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:\n"
     "\"content-length\": 18\n\"content-type\": application/json\n"},
    {"B.2.1", Algorithm::rsa_pss_sha512, "test-key-rsa-pss",
     R"(();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd")",
     "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/"
     "lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52"
     "eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/"
     "Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA"
     "4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/"
     "SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q"
     "==",
     ""},
    {"B.2.2", Algorithm::rsa_pss_sha512, "test-key-rsa-pss",
     R"(("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example")",
     "LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+"
     "ECxCmT8r"
     "tAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/"
     "2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZ"
     "UJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/"
     "XaVe4bXTugEjHSw"
     "==",
     "\"@authority\": example.com\n\"content-digest\": "
     "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:\n"
     "\"@query-param\";name=\"Pet\": dog\n"},
    {"B.2.3", Algorithm::rsa_pss_sha512, "test-key-rsa-pss",
     R"(("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss")",
     "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/"
     "5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN"
     "0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/"
     "CCoC1xMy7JA1ipw"
     "vKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+"
     "QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA"
     "==",
     "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\"@query\": "
     "?param=Value&Pet=dog\n\"@authority\": example.com\n\"content-type\": application/json\n\"content-digest\": "
     "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:\n"
     "\"content-length\": 18\n"},
    {"B.2.5", Algorithm::hmac_sha256, "test-shared-secret",
     R"(("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret")",
     "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=",
     "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\"content-type\": application/json\n"},
    {"B.2.6", Algorithm::ed25519, "test-key-ed25519",
     R"(("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519")",
     "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
     "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\"@authority\": example.com\n"
     "\"content-type\": application/json\n\"content-length\": 18\n"},
};

std::string base_of(TestRequest request, const std::string& input) {
  const http::Request view = request.view();
  return signature_base(message_of(view), covered_by(input)).value_or("(none)");
}

TEST(Rfc9421, ExamplesHaveTheBaseAndTheSignatureOfTheText) {
  for (const Example& example : examples) {
    const std::string base = base_of(test_request(), example.input);
    EXPECT_EQ(base, std::string(example.base) + "\"@signature-params\": " + example.input) << example.section;
    const VerifyingKey key = key_of(example.key, example.algorithm);
    EXPECT_TRUE(key.verify(base, bytes_of(example.signature))) << example.section;
    EXPECT_FALSE(key.verify(base + " ", bytes_of(example.signature))) << example.section;
  }
}

TEST(Rfc9421, DeterministicExamplesAreMadeByteForByte) {
  const auto hmac = SigningKey::load(Algorithm::hmac_sha256, bytes_of(rfc9421::test_shared_secret)).value();
  EXPECT_EQ(hmac.sign(base_of(test_request(), examples[4].input)), bytes_of(examples[4].signature));
  const auto ed25519 = SigningKey::load(Algorithm::ed25519, rfc9421::test_key_ed25519_private).value();
  EXPECT_EQ(ed25519.sign(base_of(test_request(), examples[5].input)), bytes_of(examples[5].signature));
}

TEST(Rfc9421, RandomizedAlgorithmsVerifyWhatTheExamplesKeysSign) {
  const std::string base = base_of(test_request(), examples[3].input);
  const auto pss = SigningKey::load(Algorithm::rsa_pss_sha512, rfc9421::test_key_rsa_pss_private);
  ASSERT_TRUE(pss) << pss.error();
  EXPECT_TRUE(key_of("test-key-rsa-pss", Algorithm::rsa_pss_sha512).verify(base, pss->sign(base)));
  const auto ecdsa = SigningKey::load(Algorithm::ecdsa_p256_sha256, rfc9421::test_key_ecc_p256_private);
  ASSERT_TRUE(ecdsa) << ecdsa.error();
  EXPECT_TRUE(key_of("test-key-ecc-p256", Algorithm::ecdsa_p256_sha256).verify(base, ecdsa->sign(base)));
}

// B.2.4 signs a response: only its base's text is ours to check.
TEST(Rfc9421, TheSignedResponseOfB24Verifies) {
  const std::string base =
      "\"@status\": 200\n\"content-type\": application/json\n\"content-digest\": "
      "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:\n"
      "\"content-length\": 23\n\"@signature-params\": (\"@status\" \"content-type\" \"content-digest\" "
      "\"content-length\");created=1618884473;keyid=\"test-key-ecc-p256\"";
  EXPECT_TRUE(
      key_of("test-key-ecc-p256", Algorithm::ecdsa_p256_sha256)
          .verify(base, bytes_of("wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+"
                                 "32oiasw==")));
}

// Section 4.3: a proxy signs what it forwards.
TEST(Rfc9421, TheProxysSignatureOf43Verifies) {
  TestRequest request = test_request();
  request.set("Host", "origin.host.internal.example").set("Forwarded", "for=192.0.2.123;host=example.com;proto=https");
  const std::string input =
      R"(("@method" "@authority" "@path" "content-digest" "content-type" "content-length" "forwarded");created=1618884480;keyid="test-key-rsa";alg="rsa-v1_5-sha256";expires=1618884540)";
  EXPECT_TRUE(
      key_of("test-key-rsa", Algorithm::rsa_v1_5_sha256)
          .verify(base_of(request, input),
                  bytes_of(
                      "S6ZzPXSdAMOPjN/6KXfXWNO/f7V6cHm7BXYUh3YD/fRad4BCaRZxP+JH+8XY1I6+8Cy+CM5g92iHgxtRPz+MjniOaY"
                      "mdkDcnL9cCpXJleXsOckpURl49GwiyUpZ10KHgOEe11sx3G2gxI8S0jnxQB+Pu68U9vVcasqOWAEObtNKKZd8tSFu7LB5YAv"
                      "0RAGhB8tmpv7sFnIm9y+7X5kXQfi8NMaZaA8i2ZHwpBdg7a6CMfwnnrtflzvZdXAsD3LH2TwevU+/PBPv0B6NMNk93wUs/vf"
                      "Jvye+YuI87HU38lZHowtznbLVdp770I6VHR6WfgS9ddzirrswsE1w5o0LV/g==")));
  const std::string by_the_client =
      R"(("@method" "@authority" "@path" "content-digest" "content-type" "content-length");created=1618884475;keyid="test-key-ecc-p256")";
  EXPECT_TRUE(
      key_of("test-key-ecc-p256", Algorithm::ecdsa_p256_sha256)
          .verify(base_of(test_request(), by_the_client),
                  bytes_of("X5spyd6CFnAG5QnDyHfqoSNICd+BUP4LYMz2Q0JXlb//4Ijpzp+kve2w4NIyqeAuM7jTDX+sNalzA8ESSaHD3A="
                           "=")));
}

TEST(Rfc9421, TheTlsTerminatingProxyOfB3Verifies) {
  TestRequest request = test_request();
  request.set("Host", "service.internal.example")
      .set("Client-Cert",
           ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybW"
           "Vk"
           "aWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA"
           "E8YnX"
           "XfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/"
           "3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSME"
           "GDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/"
           "BBMwEYEPYmRjQGV4"
           "YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/"
           "kHSB4urmiZ0NX5r5XarmPk0wmu"
           "ydBVoU4hBVZ1yhk=:");
  const std::string input =
      R"(("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256")";
  EXPECT_TRUE(
      key_of("test-key-ecc-p256", Algorithm::ecdsa_p256_sha256)
          .verify(base_of(request, input),
                  bytes_of("xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw="
                           "=")));
}

// B.4: what proxies may do to a message, and what they may not.
TEST(Rfc9421, TheTransformationsOfB4KeepOrBreakTheSignatureAsTheTextSays) {
  const std::string input = R"(("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519")";
  const std::string signature =
      bytes_of("ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==");
  const VerifyingKey key = key_of("test-key-ed25519", Algorithm::ed25519);
  const TestRequest original{.method = http::Method::get,
                             .target = "/demo?name1=Value1&Name2=value2",
                             .lines = {{"Host", "example.org"},
                                       {"Date", "Fri, 15 Jul 2022 14:24:55 GMT"},
                                       {"Accept", "application/json"},
                                       {"Accept", "*/*"}}};
  TestRequest another_query = original;
  another_query.target = "/demo?name1=Value1&Name2=value2&param=added";
  another_query.set("Accept-Language", "en-US,en;q=0.5");
  TestRequest combined = original;
  combined.lines = {
      {"Host", "example.org"}, {"Referer", "https://developer.example.org/demo"}, {"Accept", "application/json, */*"}};
  TestRequest reordered = original;
  reordered.lines = {{"Accept", "application/json"}, {"Accept", "*/*"}, {"Date", "x"}, {"Host", "EXAMPLE.ORG:443"}};
  TestRequest posted = original;
  posted.method = http::Method::post;
  posted.set("Host", "example.com");
  TestRequest swapped = original;
  swapped.lines = {{"Host", "example.org"}, {"Accept", "*/*"}, {"Accept", "application/json"}};
  const struct {
    const char* what;
    TestRequest request;
    bool right;
  } rows[] = {{"as signed", original, true},           {"an uncovered query and header", another_query, true},
              {"lines joined", combined, true},        {"other order, case and default port", reordered, true},
              {"method and authority", posted, false}, {"lines in another order", swapped, false}};
  for (const auto& row : rows) EXPECT_EQ(key.verify(base_of(row.request, input), signature), row.right) << row.what;
}

TEST(Rfc9421, TheContentDigestOfB2IsThatOfItsBody) {
  TestRequest request = test_request();
  EXPECT_FALSE(check_content_digest(request.view()));
  EXPECT_EQ(content_digest(request.body, DigestAlgorithm::sha_512), digest_of_hello);
}

}  // namespace
}  // namespace tenon::signature
