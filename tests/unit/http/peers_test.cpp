#include "http/peers.hpp"

#include <gtest/gtest.h>

namespace tenon::http {
namespace {

Peers::Key key(const char* address) { return Peers::key_of(boost::asio::ip::make_address(address)); }

TEST(Peers, AreTheWholeIpv4AddressAndTheSlash64OfIpv6) {
  EXPECT_EQ(key("1.2.3.4"), key("::ffff:1.2.3.4"));
  EXPECT_NE(key("1.2.3.4"), key("1.2.3.5"));
  EXPECT_EQ(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
  EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
}

TEST(Peers, HoldNoMoreThanTheyMay) {
  Peers peers;
  EXPECT_TRUE(peers.admit(key("1.1.1.1"), 2));
  EXPECT_TRUE(peers.admit(key("1.1.1.1"), 2));
  EXPECT_FALSE(peers.admit(key("1.1.1.1"), 2));
  EXPECT_TRUE(peers.admit(key("1.1.1.2"), 2)) << "another peer is not affected";
  peers.leave(key("1.1.1.1"));
  EXPECT_TRUE(peers.admit(key("1.1.1.1"), 2));
  EXPECT_FALSE(peers.admit(key("9.9.9.9"), 0));
}

}  // namespace
}  // namespace tenon::http
