#include "redis/address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tenon::redis {
namespace {

using testing::HasSubstr;
using testing::Not;
using Transport = Address::Transport;

TEST(RedisAddress, IsReadFromAUrl) {
  struct {
    std::string url;
    Transport transport;
    std::string host;
    int port;
    std::string user, password;
    int database;
  } const rows[] = {
      {"redis://cache", Transport::tcp, "cache", 6379, "", "", 0},
      {"redis://cache/", Transport::tcp, "cache", 6379, "", "", 0},
      {"redis://10.0.0.7:7000/3", Transport::tcp, "10.0.0.7", 7000, "", "", 3},
      {"redis://:secret@cache:7000", Transport::tcp, "cache", 7000, "", "secret", 0},
      {"redis://edge:secret@cache", Transport::tcp, "cache", 6379, "edge", "secret", 0},
      {"redis://edge:p%40ss%3a%2F%25@cache/1", Transport::tcp, "cache", 6379, "edge", "p@ss:/%", 1},
      {"redis://edge:p@ss/word@cache/1", Transport::tcp, "cache", 6379, "edge", "p@ss/word", 1},
      {"redis://[::1]:7000/2", Transport::tcp, "::1", 7000, "", "", 2},
      {"redis://[fe80::1]", Transport::tcp, "fe80::1", 6379, "", "", 0},
      {"rediss://cache.example:6380", Transport::tls, "cache.example", 6380, "", "", 0},
      {"unix:/run/redis.sock", Transport::unix_socket, "/run/redis.sock", 0, "", "", 0},
      {"unix:///run/redis.sock?db=4", Transport::unix_socket, "/run/redis.sock", 0, "", "", 4},
      {"unix://edge:secret@/run/redis.sock", Transport::unix_socket, "/run/redis.sock", 0, "edge", "secret", 0},
  };
  for (const auto& row : rows) {
    const auto address = parse_address(row.url);
    ASSERT_TRUE(address) << row.url << ": " << address.error();
    EXPECT_EQ(address->transport, row.transport) << row.url;
    ASSERT_EQ(address->endpoints.size(), 1U) << row.url;
    EXPECT_EQ(address->endpoints[0].host, row.host) << row.url;
    EXPECT_EQ(address->endpoints[0].port, row.port) << row.url;
    EXPECT_EQ(address->user, row.user) << row.url;
    EXPECT_EQ(address->password, row.password) << row.url;
    EXPECT_EQ(address->database, row.database) << row.url;
  }
}

TEST(RedisAddress, MayNameSeveralHosts) {
  const auto address = parse_address("redis://:secret@one,two:7000,[::1]:7001/5");
  ASSERT_TRUE(address) << address.error();
  ASSERT_EQ(address->endpoints.size(), 3U);
  EXPECT_EQ(address->endpoints[1].port, 7000);
  EXPECT_EQ(address->describe(), "redis://one:6379,two:7000,[::1]:7001/5");
}

TEST(RedisAddress, ThatIsWrongIsRefusedWithTheReason) {
  struct {
    std::string url, told;
  } const rows[] = {
      {"", "must begin with redis://"},
      {"cache:6379", "must begin with redis://"},
      {"http://cache", "must begin with redis://"},
      {"REDIS://cache", "must begin with redis://"},
      {"redis://", "a host is missing"},
      {"redis:///0", "a host is missing"},
      {"redis://one,,two", "a host is missing"},
      {"redis://cache:0", "from 1 to 65535"},
      {"redis://cache:65536", "from 1 to 65535"},
      {"redis://cache:", "from 1 to 65535"},
      {"redis://cache:+1", "from 1 to 65535"},
      {"redis://::1:6379", "in brackets"},
      {"redis://[::1", "no closing bracket"},
      {"redis://[::1]x", "goes on after its bracket"},
      {"redis://ca che", "is not a host"},
      {"redis://cache\n", "is not a host"},
      {"redis://cache/x", "must be a number"},
      {"redis://cache/-1", "must be a number"},
      {"redis://cache/1/2", "must be a number"},
      {"redis://cache/99999999999", "must be a number"},
      {"redis://cache?db=1", "no ?"},
      {"redis://edge@cache", "a user without a password"},
      {"redis://edge:@cache", "a user without a password"},
      {"redis://edge:se%zz@cache", "hexadecimal"},
      {"redis://edge:se%4@cache", "hexadecimal"},
      {"unix:redis.sock", "begins with a slash"},
      {"unix:/run/redis.sock?db=x", "must be a number"},
      {"unix:/run/redis.sock?timeout=1", "only db=N"},
      {"unix:/" + std::string(200, 'a'), "107 bytes"},
      {"redis://" + std::string(3000, 'a'), "2048 bytes"},
  };
  for (const auto& [url, told] : rows) {
    const auto address = parse_address(url);
    ASSERT_FALSE(address) << url;
    EXPECT_THAT(address.error(), HasSubstr(told)) << url;
  }
}

TEST(RedisAddress, NeverTellsItsPassword) {
  EXPECT_THAT(parse_address("redis://edge:hunter2@cache:6379/0")->describe(), Not(HasSubstr("hunter2")));
  for (const std::string url : {"redis://edge:hunter2@ca che", "redis://edge:hunter2@cache/x", "redis://:hunter2%@c",
                                "redis://edge:hunter2@", "unix://:hunter2@x", "redis://edge:hunter2",
                                "redis://hunter2:0", "rediss://[hunter2", "redis://:hunter2,cache"}) {
    const auto address = parse_address(url);
    ASSERT_FALSE(address) << url;
    EXPECT_THAT(address.error(), Not(HasSubstr("hunter2"))) << url;
  }
}

}  // namespace
}  // namespace tenon::redis
