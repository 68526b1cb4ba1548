#include "safeguards/signature/input.hpp"

#include <gtest/gtest.h>

#include "unit/signature/request.hpp"

namespace tenon::signature {
namespace {

constexpr const char* plain = R"(("@method");created=1618884473;keyid="k";nonce="12345678")";

// "none", "read <keyid>", or the problem's code.
std::string outcome(std::vector<std::pair<std::string, std::string>> lines) {
  TestRequest request{.lines = std::move(lines)};
  const auto read = read_signature(request.view());
  if (!read) return std::string(kind_of(read.error().code).code);
  return *read ? "read " + (*read)->key_id : "none";
}

std::string of_input(const std::string& input, const std::string& signature = "sig=:AAAA:") {
  return outcome({{"Signature-Input", input}, {"Signature", signature}});
}

TEST(SignatureHeaders, AreReadWithAllTheirParameters) {
  TestRequest request{
      .lines = {
          {"signature-input",
           R"(sig=("@method" "date");created=1618884473;expires=1618884500;keyid="k";alg="ed25519";nonce="12345678")"},
          {"SIGNATURE", "sig=:AQID:"}}};
  const auto read = read_signature(request.view());
  ASSERT_TRUE(read && *read);
  const Presented& presented = **read;
  EXPECT_EQ(presented.created, 1618884473);
  EXPECT_EQ(presented.expires, 1618884500);
  EXPECT_EQ(presented.key_id, "k");
  EXPECT_EQ(presented.nonce, "12345678");
  EXPECT_EQ(presented.algorithm, "ed25519");
  EXPECT_EQ(presented.signature, "\x01\x02\x03");
  EXPECT_TRUE(presented.covers("@method"));
  EXPECT_TRUE(presented.covers("date"));
  EXPECT_FALSE(presented.covers("@path"));
}

TEST(SignatureHeaders, AreNoneWhenThereIsNeither) { EXPECT_EQ(outcome({{"Host", "a"}}), "none"); }

TEST(SignatureHeaders, ComeTogether) {
  EXPECT_EQ(outcome({{"Signature-Input", std::string("sig=") + plain}}), "signature_malformed");
  EXPECT_EQ(outcome({{"Signature", "sig=:AAAA:"}}), "signature_malformed");
}

std::string thirty_three_names() {
  std::string names;
  for (int i = 0; i < 33; ++i) names += "\"a" + std::to_string(i) + "\" ";
  return names;
}

TEST(SignatureHeaders, ThatCannotBeReadAreRefused) {
  const std::string sig = "sig=";
  const std::string components[] = {
      "nonsense(",
      "",
      "sig",
      "sig=1",
      "sig=:AAAA:",
      sig + R"(("@method"))",
      sig + R"(("@method");created=1618884473;keyid="k")",
      sig + R"(("@method");created=1618884473;nonce="12345678")",
      sig + R"(("@method");keyid="k";nonce="12345678")",
      sig + R"(("@method");created="1618884473";keyid="k";nonce="12345678")",
      sig + R"(("@method");created=1618884473.0;keyid="k";nonce="12345678")",
      sig + R"(("@method");created=@1618884473;keyid="k";nonce="12345678")",
      sig + R"(("@method");created=1618884473;keyid=k;nonce="12345678")",
      sig + R"(("@method");created=1618884473;keyid="k";nonce=12345678)",
      sig + R"(("@method");created=1618884473;keyid="k";nonce="1234567")",
      sig + R"(("@method");created=1618884473;keyid="k";nonce=")" + std::string(129, 'n') + '"',
      sig + R"(("@method");created=1618884473;expires="5";keyid="k";nonce="12345678")",
      sig + R"(("@method");created=1618884473;alg=ed25519;keyid="k";nonce="12345678")",
      sig + R"((method);created=1618884473;keyid="k";nonce="12345678")",
      sig + R"((5);created=1618884473;keyid="k";nonce="12345678")",
      sig + R"((""");created=1618884473;keyid="k";nonce="12345678")",
      sig + "(" + thirty_three_names() + R"();created=1618884473;keyid="k";nonce="12345678")",
  };
  for (const std::string& input : components) EXPECT_EQ(of_input(input), "signature_malformed") << input;
  for (const char* signature : {"", "other=:AAAA:", "sig=\"AAAA\"", "sig=(:AAAA:)", "sig", "sig=:AA=A:"}) {
    EXPECT_EQ(of_input(sig + plain, signature), "signature_malformed") << signature;
  }
}

TEST(SignatureHeaders, OfWhichThereAreSeveralAreReadUnderOurLabel) {
  const std::string ours = R"(tenon=();created=1;keyid="ours";nonce="12345678")";
  const std::string theirs = R"(proxy=();created=1;keyid="theirs";nonce="12345678")";
  EXPECT_EQ(of_input(theirs + ", " + ours, "tenon=:AAAA:, proxy=:AAAA:"), "read ours");
  EXPECT_EQ(outcome({{"Signature-Input", theirs},
                     {"Signature-Input", ours},
                     {"Signature", "proxy=:AAAA:"},
                     {"Signature", "tenon=:AAAA:"}}),
            "read ours");
  EXPECT_EQ(of_input(theirs, "proxy=:AAAA:"), "read theirs");
  EXPECT_EQ(of_input(theirs + R"(, more=();created=1;keyid="m";nonce="12345678")", "proxy=:AAAA:, more=:AAAA:"),
            "signature_malformed");
  const std::string five = ours + ", a=1, b=1, c=1, d=1";
  EXPECT_EQ(of_input(five, "tenon=:AAAA:"), "signature_malformed");
}

TEST(NonceClaim, KeepsKeysAndNoncesApart) {
  EXPECT_EQ(nonce_claim("key", "nonce-01"), nonce_claim("key", "nonce-01"));
  EXPECT_NE(nonce_claim("key", "nonce-01"), nonce_claim("key", "nonce-02"));
  EXPECT_NE(nonce_claim("key1", "nonce-01"), nonce_claim("key", "1nonce-01"));
}

}  // namespace
}  // namespace tenon::signature
