// RFC 9530, with the examples of its appendices.
#include "safeguards/signature/digest.hpp"

#include <gtest/gtest.h>

#include "unit/signature/request.hpp"

namespace tenon::signature {
namespace {

std::string verdict(const std::string& body, std::vector<std::string> digests) {
  TestRequest request{.body = body};
  for (std::string& digest : digests) request.lines.emplace_back("Content-Digest", std::move(digest));
  const auto refusal = check_content_digest(request.view());
  return refusal ? refusal->detail : "right";
}

constexpr const char* hello = "{\"hello\": \"world\"}\n";
constexpr const char* sha_256 = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
constexpr const char* sha_512 =
    "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:";

TEST(ContentDigest, OfTheTextsExamplesIsThatOfTheirContent) {
  EXPECT_EQ(content_digest(hello), sha_256);
  EXPECT_EQ(content_digest(hello, DigestAlgorithm::sha_512), sha_512);
  EXPECT_EQ(content_digest(""), "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
  EXPECT_EQ(content_digest("\"world\"}\n"), "sha-256=:jjcgBDWNAtbYUXI37CVG3gRuGOAjaaDRGpIUFsdyepQ=:");
}

TEST(ContentDigest, IsRightWhenAllThatAreKnownAre) {
  const std::string both = std::string(sha_256) + ", " + sha_512;
  EXPECT_EQ(verdict(hello, {sha_256}), "right");
  EXPECT_EQ(verdict(hello, {sha_512}), "right");
  EXPECT_EQ(verdict(hello, {both}), "right");
  EXPECT_EQ(verdict(hello, {sha_256, sha_512}), "right");  // two lines are one dictionary
  EXPECT_EQ(verdict(hello, {std::string("md5=:AAAA:, ") + sha_256}), "right");
  EXPECT_EQ(verdict(hello, {std::string(sha_256) + ";a=1"}), "right");
}

TEST(ContentDigest, IsRefusedWhenAnyThatIsKnownIsWrong) {
  const std::string one_wrong = std::string(sha_256) + ", sha-512=:AAAA:";
  EXPECT_EQ(verdict("{\"hello\": \"world\"}", {sha_256}), "The sha-256 digest is not that of the body.");
  EXPECT_EQ(verdict(hello, {one_wrong}), "The sha-512 digest is not that of the body.");
  EXPECT_EQ(verdict(hello, {"sha-256=::"}), "The sha-256 digest is not that of the body.");
  EXPECT_EQ(verdict(hello, {"sha-256=abc"}), "The sha-256 digest is not that of the body.");
  EXPECT_EQ(verdict(hello, {"sha-256=(:AAAA:)"}), "The sha-256 digest is not that of the body.");
  // Of a member that is there twice the last one counts (RFC 9651): here the wrong one.
  EXPECT_EQ(verdict(hello, {sha_256, "sha-256=:AAAA:"}), "The sha-256 digest is not that of the body.");
}

TEST(ContentDigest, IsRefusedWhenItSaysNothingThatHolds) {
  EXPECT_EQ(verdict(hello, {}), "There is no Content-Digest.");
  EXPECT_EQ(verdict(hello, {"md5=:AAAA:"}), "The Content-Digest has neither sha-256 nor sha-512.");
  EXPECT_EQ(verdict(hello, {""}), "The Content-Digest has neither sha-256 nor sha-512.");
  EXPECT_EQ(verdict(hello, {"SHA-256=:AAAA:"}), "The Content-Digest is not an RFC 9530 dictionary.");
  EXPECT_EQ(verdict(hello, {"sha-256=:AA=A:"}), "The Content-Digest is not an RFC 9530 dictionary.");
}

}  // namespace
}  // namespace tenon::signature
