#include "safeguards/signature/sealed.hpp"

#include <gtest/gtest.h>

namespace tenon::signature {
namespace {

TEST(SealedSecret, IsOpenedWhereItWasSealedAndForWhomItWasSealed) {
  const SecretSealer sealer(std::string(32, 'a'));
  const SecretSealer other(std::string(32, 'b'));
  const std::string secret("thirty-two bytes of a secret: \0\xff!", 33);
  const std::string sealed = sealer.seal(secret, "key|clerk");
  EXPECT_EQ(sealer.open(sealed, "key|clerk"), secret);
  EXPECT_EQ(SecretSealer(std::string(32, 'a')).open(sealed, "key|clerk"), secret);
  EXPECT_FALSE(other.open(sealed, "key|clerk"));
  EXPECT_FALSE(sealer.open(sealed, "key|thief"));
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_NE(sealer.seal(secret, "key|clerk"), sealed) << "never the same bytes twice";
}

TEST(SealedSecret, ThatWasChangedAnywhereIsNotOpened) {
  const SecretSealer sealer(std::string(32, 'a'));
  const std::string sealed = sealer.seal("secret", "c");
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(sealer.open(changed, "c")) << at;
    EXPECT_FALSE(sealer.open(sealed.substr(0, at), "c")) << at;
  }
}

}  // namespace
}  // namespace tenon::signature
