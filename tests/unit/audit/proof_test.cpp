#include "audit/proof.hpp"

#include <gtest/gtest.h>

#include "audit/base64.hpp"
#include "unit/audit/reference_tree.hpp"

namespace tenon::audit {
namespace {

struct Log {
  std::vector<std::string> leaves = reference::leaves(20);
  NoteSigner signer = NoteSigner::generate("log/1");
  Hasher hasher;

  [[nodiscard]] Proof proof(std::size_t index) const {
    const Checkpoint checkpoint{.origin = "log/1", .size = leaves.size(), .root = reference::root(leaves)};
    return {.leaf = leaves[index],
            .index = index,
            .hashes = reference::path(index, leaves),
            .note = signer.sign(checkpoint.text())};
  }
};

TEST(Proof, IsReadBackAndHolds) {
  Log log;
  for (std::size_t index = 0; index < log.leaves.size(); ++index) {
    const std::string text = log.proof(index).text();
    EXPECT_TRUE(text.starts_with("c2sp.org/tlog-proof@v1\nextra " + base64(log.leaves[index]) + "\nindex " +
                                 std::to_string(index) + "\n"));
    const auto proof = Proof::parse(text);
    ASSERT_TRUE(proof) << proof.error();
    const auto checkpoint = check(log.hasher, *proof, log.signer.verifier());
    ASSERT_TRUE(checkpoint) << checkpoint.error();
    EXPECT_EQ(checkpoint->size, 20U);
  }
}

TEST(Proof, AnythingChangedInItShows) {
  Log log;
  const std::string good = log.proof(7).text();
  int refused = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bent = good;
    bent[i] = bent[i] == 'A' ? 'B' : 'A';
    const auto proof = Proof::parse(bent);
    EXPECT_FALSE(proof && check(log.hasher, *proof, log.signer.verifier())) << bent;
    ++refused;
  }
  EXPECT_GT(refused, 300);
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto proof = Proof::parse(good.substr(0, size));
    EXPECT_FALSE(proof && check(log.hasher, *proof, log.signer.verifier()));
  }
}

TEST(Proof, OfAnotherLogsKeyProvesNothing) {
  Log log;
  const NoteSigner other = NoteSigner::generate("log/1");
  EXPECT_TRUE(check(log.hasher, log.proof(3), other.verifier()).error().starts_with("the proof's checkpoint: "));
}

}  // namespace
}  // namespace tenon::audit
