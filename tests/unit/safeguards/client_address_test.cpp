#include "safeguards/client_address.hpp"

#include <gtest/gtest.h>

#include "request_with.hpp"

namespace tenon::safeguards {
namespace {

using boost::asio::ip::make_address;

std::vector<Network> networks(std::initializer_list<std::string_view> texts) {
  std::vector<Network> parsed;
  for (const auto text : texts) parsed.push_back(Network::parse(text).value());
  return parsed;
}

struct Case {
  std::string name;
  std::string peer;
  Lines lines;
  std::string client;
};

void expect_clients(std::span<const Case> cases, std::span<const Network> trusted) {
  for (const Case& one : cases) {
    RequestWith request(one.lines);
    request->peer = make_address(one.peer);
    EXPECT_EQ(client_address(*request, trusted).to_string(), one.client) << one.name;
  }
}

const char* const xff = "X-Forwarded-For";
const char* const fwd = "Forwarded";

TEST(TheClientsAddress, IsThePeersWhenNobodyIsTrusted) {
  const Case cases[] = {
      {"nothing said", "198.51.100.1", {}, "198.51.100.1"},
      {"X-Forwarded-For", "198.51.100.1", {{xff, "203.0.113.9"}}, "198.51.100.1"},
      {"Forwarded", "198.51.100.1", {{fwd, "for=203.0.113.9"}}, "198.51.100.1"},
      {"a private peer", "127.0.0.1", {{xff, "203.0.113.9"}}, "127.0.0.1"},
      {"a mapped peer", "::ffff:198.51.100.1", {{xff, "203.0.113.9"}}, "198.51.100.1"},
      {"an IPv6 peer", "2001:db8::7", {}, "2001:db8::7"},
  };
  expect_clients(cases, {});
  expect_clients(cases, networks({"10.0.0.0/8", "fd00::/8"}));
}

TEST(TheClientsAddress, IsTheRightmostHopThatIsNotTrusted) {
  const Case cases[] = {
      {"one hop", "10.0.0.1", {{xff, "203.0.113.9"}}, "203.0.113.9"},
      {"nothing said", "10.0.0.1", {}, "10.0.0.1"},
      {"what the client wrote stands left", "10.0.0.1", {{xff, "1.1.1.1, 203.0.113.9"}}, "203.0.113.9"},
      {"through two proxies", "10.0.0.1", {{xff, "1.1.1.1, 203.0.113.9, 10.0.0.2"}}, "203.0.113.9"},
      {"the client names a proxy of ours", "10.0.0.1", {{xff, "10.0.0.9, 203.0.113.9"}}, "203.0.113.9"},
      {"over several lines", "10.0.0.1", {{xff, "1.1.1.1"}, {xff, "203.0.113.9"}, {xff, "10.0.0.2"}}, "203.0.113.9"},
      {"lines of several",
       "10.0.0.1",
       {{xff, "1.1.1.1, 203.0.113.9"}, {"Host", "x"}, {xff, "10.0.0.3,10.0.0.2"}},
       "203.0.113.9"},
      {"the name in any case", "10.0.0.1", {{"x-forwarded-FOR", "203.0.113.9"}}, "203.0.113.9"},
      {"no white space", "10.0.0.1", {{xff, "1.1.1.1,203.0.113.9,10.0.0.2"}}, "203.0.113.9"},
      {"tabs", "10.0.0.1", {{xff, "1.1.1.1\t,\t203.0.113.9\t"}}, "203.0.113.9"},
      {"all trusted", "10.0.0.1", {{xff, "10.0.0.3, 10.0.0.2"}}, "10.0.0.3"},
      {"a port", "10.0.0.1", {{xff, "203.0.113.9:4711"}}, "203.0.113.9"},
      {"a bracketed address", "10.0.0.1", {{xff, "[2001:db8::9]"}}, "2001:db8::9"},
      {"a bracketed address and port", "10.0.0.1", {{xff, "[2001:db8::9]:4711"}}, "2001:db8::9"},
      {"a bare IPv6 address", "10.0.0.1", {{xff, "2001:db8::9"}}, "2001:db8::9"},
      {"a mapped address", "10.0.0.1", {{xff, "::ffff:203.0.113.9"}}, "203.0.113.9"},
      {"a mapped proxy of ours", "10.0.0.1", {{xff, "203.0.113.9, ::ffff:10.0.0.2"}}, "203.0.113.9"},
      {"a mapped peer", "::ffff:10.0.0.1", {{xff, "203.0.113.9"}}, "203.0.113.9"},
      {"an IPv6 peer", "fd00::1", {{xff, "203.0.113.9, fd00::2"}}, "203.0.113.9"},
  };
  expect_clients(cases, networks({"10.0.0.0/8", "fd00::/8"}));
}

// A hop that cannot be read must not open a bucket of its own, nor hand the choice to what stands farther left.
TEST(AHopThatCannotBeRead, LeavesTheLastTrustedHopCharged) {
  std::vector<Case> cases;
  for (const std::string hop : {"",
                                " ",
                                "unknown",
                                "UNKNOWN",
                                "_hidden",
                                "_",
                                "garbage",
                                "1.2.3",
                                "1.2.3.4.5",
                                "256.1.1.1",
                                "01.2.3.4",
                                "1.2.3.4/8",
                                "0x7f.1",
                                "2130706433",
                                "1.2.3.4:",
                                "1.2.3.4:123456",
                                "1.2.3.4:x",
                                "1.2.3.4 5",
                                "[1.2.3.4]",
                                "[2001:db8::9",
                                "2001:db8::9]",
                                "[2001:db8::9]x",
                                "[2001:db8::9]:",
                                "[]",
                                "[",
                                ":",
                                "::g",
                                "fe80::1%eth0",
                                "\"1.2.3.4\"",
                                "1.2.3.4;",
                                "\xff\xfe",
                                "1.2.3.4\xc2\xa0",
                                "for=1.2.3.4",
                                "http://1.2.3.4",
                                "unix:",
                                "unix:/run/proxy.sock",
                                "/run/proxy.sock",
                                "@proxy",
                                "localhost",
                                "[unix:/run/proxy.sock]:80",
                                "-",
                                "*"}) {
    cases.push_back({"only " + hop, "10.0.0.1", {{xff, hop}}, "10.0.0.1"});
    cases.push_back({"rightmost " + hop, "10.0.0.1", {{xff, "203.0.113.9, " + hop}}, "10.0.0.1"});
    cases.push_back({"after a proxy " + hop, "10.0.0.1", {{xff, "203.0.113.9, " + hop + ", 10.0.0.2"}}, "10.0.0.2"});
    cases.push_back({"a line of its own " + hop, "10.0.0.1", {{xff, "203.0.113.9"}, {xff, hop}}, "10.0.0.1"});
    cases.push_back({"left of the client " + hop, "10.0.0.1", {{xff, hop + ", 203.0.113.9"}}, "203.0.113.9"});
  }
  cases.push_back({"a NUL", "10.0.0.1", {{xff, std::string("1.2.3.4\0", 8)}}, "10.0.0.1"});
  cases.push_back({"a trailing comma", "10.0.0.1", {{xff, "203.0.113.9,"}}, "10.0.0.1"});
  expect_clients(cases, networks({"10.0.0.0/8"}));
}

TEST(Forwarded, IsReadAsRfc7239Says) {
  const Case cases[] = {
      {"a token", "10.0.0.1", {{fwd, "for=203.0.113.9"}}, "203.0.113.9"},
      {"quoted", "10.0.0.1", {{fwd, "for=\"203.0.113.9\""}}, "203.0.113.9"},
      {"quoted with a port", "10.0.0.1", {{fwd, "for=\"203.0.113.9:80\""}}, "203.0.113.9"},
      {"an unquoted port, as some write", "10.0.0.1", {{fwd, "for=203.0.113.9:80"}}, "203.0.113.9"},
      {"an obfuscated port", "10.0.0.1", {{fwd, "for=\"203.0.113.9:_p.1-x\""}}, "203.0.113.9"},
      {"IPv6", "10.0.0.1", {{fwd, "for=\"[2001:db8::9]:4711\""}}, "2001:db8::9"},
      {"escapes", "10.0.0.1", {{fwd, R"(for="\2\03.0.113.9")"}}, "203.0.113.9"},
      {"the parameter in any case", "10.0.0.1", {{fwd, "FoR=203.0.113.9"}}, "203.0.113.9"},
      {"among others", "10.0.0.1", {{fwd, "by=10.0.0.1;for=203.0.113.9;proto=https;host=\"a,b;c\""}}, "203.0.113.9"},
      {"empty pairs", "10.0.0.1", {{fwd, ";for=203.0.113.9;;proto=http;"}}, "203.0.113.9"},
      {"several elements",
       "10.0.0.1",
       {{fwd, "for=1.1.1.1, for=203.0.113.9;host=\"x,y\", for=10.0.0.2"}},
       "203.0.113.9"},
      {"several lines",
       "10.0.0.1",
       {{fwd, "for=1.1.1.1"}, {fwd, "for=203.0.113.9"}, {fwd, "for=10.0.0.2"}},
       "203.0.113.9"},
      {"an escaped quote beside a comma",
       "10.0.0.1",
       {{fwd, R"(for=1.1.1.1, host="a\",b";for=203.0.113.9)"}},
       "203.0.113.9"},
      {"an escaped backslash before a quote",
       "10.0.0.1",
       {{fwd, R"(host="a\\", for=203.0.113.9;host="b\\")"}},
       "203.0.113.9"},
      {"mapped", "10.0.0.1", {{fwd, "for=\"[::ffff:203.0.113.9]\""}}, "203.0.113.9"},
      {"unknown", "10.0.0.1", {{fwd, "for=203.0.113.9, for=unknown"}}, "10.0.0.1"},
      {"obfuscated", "10.0.0.1", {{fwd, "for=203.0.113.9, for=_x"}}, "10.0.0.1"},
      {"obfuscated, after a proxy", "10.0.0.1", {{fwd, "for=203.0.113.9, for=_x, for=10.0.0.2"}}, "10.0.0.2"},
      {"no for", "10.0.0.1", {{fwd, "for=203.0.113.9, proto=http"}}, "10.0.0.1"},
      {"for twice", "10.0.0.1", {{fwd, "for=203.0.113.9;for=203.0.113.9"}}, "10.0.0.1"},
      {"no name", "10.0.0.1", {{fwd, "203.0.113.9"}}, "10.0.0.1"},
      {"an empty name", "10.0.0.1", {{fwd, "=x;for=203.0.113.9"}}, "10.0.0.1"},
      {"an empty value", "10.0.0.1", {{fwd, "for="}}, "10.0.0.1"},
      {"white space around =", "10.0.0.1", {{fwd, "for =203.0.113.9"}}, "10.0.0.1"},
      {"something after a quoted value", "10.0.0.1", {{fwd, "for=\"203.0.113.9\"x"}}, "10.0.0.1"},
      {"an open quote", "10.0.0.1", {{fwd, "for=\"203.0.113.9"}}, "10.0.0.1"},
      {"only a quote", "10.0.0.1", {{fwd, "\""}}, "10.0.0.1"},
      {"only a backslash", "10.0.0.1", {{fwd, "for=\"\\"}}, "10.0.0.1"},
      {"empty", "10.0.0.1", {{fwd, ""}}, "10.0.0.1"},
      // What a client leaves open cannot swallow what our proxy appended.
      {"a client's open quote", "10.0.0.1", {{fwd, "for=\"1.1.1.1, for=203.0.113.9"}}, "203.0.113.9"},
      {"a client's open escape", "10.0.0.1", {{fwd, "for=\"1.1.1.1\\, for=203.0.113.9"}}, "203.0.113.9"},
      {"a client's open quote before a quoted hop",
       "10.0.0.1",
       {{fwd, "for=\", for=\"203.0.113.9:1\""}},
       "203.0.113.9"},
  };
  expect_clients(cases, networks({"10.0.0.0/8"}));
}

TEST(BothHeaders, AreBelievedOnlyWhenTheyAgree) {
  const Case cases[] = {
      {"they agree", "10.0.0.1", {{fwd, "for=203.0.113.9"}, {xff, "1.1.1.1, 203.0.113.9"}}, "203.0.113.9"},
      {"a made-up Forwarded through a proxy that writes the other",
       "10.0.0.1",
       {{fwd, "for=1.1.1.1"}, {xff, "203.0.113.9"}},
       "10.0.0.1"},
      {"a made-up X-Forwarded-For", "10.0.0.1", {{fwd, "for=203.0.113.9"}, {xff, "1.1.1.1"}}, "10.0.0.1"},
      {"one cannot be read", "10.0.0.1", {{fwd, "for=unknown"}, {xff, "203.0.113.9"}}, "10.0.0.1"},
  };
  expect_clients(cases, networks({"10.0.0.0/8"}));
}

TEST(TheWalk, EndsAfterAHundredHops) {
  std::string hops = "203.0.113.9";
  for (int hop = 0; hop < 99; ++hop) hops += ", 10.0.0.2";
  const Case cases[] = {
      {"the client is the hundredth", "10.0.0.1", {{xff, hops}}, "203.0.113.9"},
      {"the client is the one after", "10.0.0.1", {{xff, hops + ", 10.0.0.3"}}, "10.0.0.2"},
  };
  expect_clients(cases, networks({"10.0.0.0/8"}));
}

TEST(TheWalk, IsBoundedByTenThousandEntries) {
  std::string addresses;
  std::string trusted_addresses;
  std::string quotes;
  for (int entry = 0; entry < 10'000; ++entry) {
    addresses += "203.0.113." + std::to_string(entry % 256) + ", ";
    trusted_addresses += "10.0.0.2, ";
    quotes += "\"\\";
  }
  const Case cases[] = {
      {"foreign entries", "10.0.0.1", {{xff, addresses + "198.51.100.7"}}, "198.51.100.7"},
      {"trusted entries", "10.0.0.1", {{xff, trusted_addresses + "10.0.0.3"}}, "10.0.0.2"},
      {"separators", "10.0.0.1", {{xff, std::string(10'000, ',')}}, "10.0.0.1"},
      {"quotes", "10.0.0.1", {{fwd, quotes}}, "10.0.0.1"},
      {"quotes before a hop", "10.0.0.1", {{fwd, quotes + ", for=198.51.100.7"}}, "198.51.100.7"},
      {"ten thousand lines", "10.0.0.1", Lines(10'000, {xff, "10.0.0.2"}), "10.0.0.2"},
  };
  expect_clients(cases, networks({"10.0.0.0/8"}));
}

struct NetworkCase {
  std::string_view text;
  std::string_view inside;  // empty: the text is no network
  std::string_view outside;
};

TEST(ANetwork, ContainsWhatSharesItsPrefix) {
  const NetworkCase cases[] = {
      {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
      {"10.1.2.3/8", "10.255.255.255", "11.0.0.0"},
      {"192.0.2.128/25", "192.0.2.255", "192.0.2.127"},
      {"192.0.2.1", "192.0.2.1", "192.0.2.0"},
      {"192.0.2.1/32", "192.0.2.1", "192.0.2.3"},
      {"192.0.2.0/31", "192.0.2.1", "192.0.2.2"},
      {"0.0.0.0/0", "203.0.113.9", "2001:db8::1"},
      {"::/0", "2001:db8::1", "203.0.113.9"},
      {"fd00::/8", "fdff::1", "fe00::1"},
      {"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
      {"2001:db8::1", "2001:db8::1", "2001:db8::2"},
      {"10.0.0.0/8", "::ffff:10.0.0.1", "::10.0.0.1"},
      {"::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"},
      {"::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"},
  };
  for (const NetworkCase& one : cases) {
    const auto network = Network::parse(one.text);
    ASSERT_TRUE(network) << one.text;
    EXPECT_TRUE(network->contains(make_address(one.inside))) << one.text;
    EXPECT_FALSE(network->contains(make_address(one.outside))) << one.text;
  }
}

TEST(ANetwork, IsNotMadeOfAnythingElse) {
  for (const std::string_view text : {"",
                                      "/",
                                      "/8",
                                      "10.0.0.0/",
                                      "10.0.0.0/33",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/+8",
                                      "10.0.0.0/08",
                                      "10.0.0.0/8 ",
                                      " 10.0.0.0/8",
                                      "10.0.0/8",
                                      "10.0.0.0/8/8",
                                      "10.0.0.0/0x8",
                                      "fd00::/129",
                                      "fd00::/4294967304",
                                      "[fd00::]/8",
                                      "fe80::1%eth0",
                                      "localhost",
                                      "::ffff:10.0.0.0/95",
                                      "10.0.0.0/255.0.0.0"}) {
    EXPECT_FALSE(Network::parse(text)) << text;
  }
  EXPECT_FALSE(Network::parse(std::string_view("10.0.0.1\0", 9)));
}

// Whoever comes over a Unix socket has no address, and is one peer as any other: trusted only by name.
TEST(APeerWithoutAnAddress, IsChargedAsOneUnlessItIsTrusted) {
  const Case cases[] = {{"believed by nobody", "0.0.0.0", {{xff, "203.0.113.9"}}, "0.0.0.0"}};
  expect_clients(cases, networks({"10.0.0.0/8"}));
  const Case trusted[] = {{"named", "0.0.0.0", {{xff, "203.0.113.9"}}, "203.0.113.9"},
                          {"named, and garbage", "0.0.0.0", {{xff, "203.0.113.9, unix:"}}, "0.0.0.0"}};
  expect_clients(trusted, networks({"0.0.0.0"}));
  EXPECT_EQ(subject_of(boost::asio::ip::address()), "0.0.0.0");
}

TEST(ASubject, IsAnIpv4AddressOrAnIpv6Network) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"203.0.113.9", "203.0.113.9"},
      {"::ffff:203.0.113.9", "203.0.113.9"},
      {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
      {"2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"},
      {"2001:db8:1:3::", "2001:db8:1:3::/64"},
      {"::1", "::/64"},
      {"fe80::1%1", "fe80::/64"},
  };
  for (const auto& [address, subject] : cases) EXPECT_EQ(subject_of(make_address(address)), subject) << address;
}

}  // namespace
}  // namespace tenon::safeguards
