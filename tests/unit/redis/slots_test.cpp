#include "redis/slots.hpp"

#include <gtest/gtest.h>

namespace tenon::redis {
namespace {

TEST(ASlot, IsWhatRedisSaysItIs) {
  // By CLUSTER KEYSLOT of Redis 7.0, and the check value of CRC16/XMODEM that the cluster specification gives.
  const struct {
    std::string_view key;
    std::uint16_t slot;
  } rows[] = {
      {"123456789", 0x31C3}, {"", 0},
      {"foo", 12'182},       {"tn:nodes", 12'725},
      {"user:alice", 4'489}, {"tn:{user:alice}:writes", 4'489},
  };
  for (const auto& [key, slot] : rows) EXPECT_EQ(slot_of(key), slot) << key;
}

TEST(ASlot, IsDecidedByWhatIsInTheFirstBraces) {
  EXPECT_EQ(slot_of("tn:{user:alice}:reads"), slot_of("tn:{user:alice}:writes"));
  EXPECT_EQ(slot_of("foo{}{bar}"), slot_of("foo{}{bar}"));
  EXPECT_NE(slot_of("foo{}{bar}"), slot_of("bar")) << "nothing in the first braces: the whole key";
  EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of("{bar"));
  EXPECT_EQ(slot_of("foo{bar}{zap}"), slot_of("bar"));
  EXPECT_NE(slot_of("foo{bar"), slot_of("bar")) << "no end: the whole key";
}

Reply error(std::string text) { return {.kind = Reply::Kind::error, .text = std::move(text)}; }

TEST(ARedirection, IsReadWithItsSlotAndServer) {
  const Endpoint from{.host = "shard-1.example", .port = 7000};
  const auto moved = redirection_of(error("MOVED 3999 127.0.0.1:6381"), from);
  ASSERT_TRUE(moved);
  EXPECT_FALSE(moved->once);
  EXPECT_EQ(moved->slot, 3'999);
  EXPECT_EQ(moved->to, (Endpoint{.host = "127.0.0.1", .port = 6381}));
  const auto ask = redirection_of(error("ASK 16383 redis-2.example:6379"), from);
  ASSERT_TRUE(ask);
  EXPECT_TRUE(ask->once);
  EXPECT_EQ(ask->to, (Endpoint{.host = "redis-2.example", .port = 6379}));
  EXPECT_EQ(redirection_of(error("MOVED 1 fe80::1:6381"), from)->to, (Endpoint{.host = "fe80::1", .port = 6381}));
  EXPECT_EQ(redirection_of(error("MOVED 1 :6381"), from)->to, (Endpoint{.host = "shard-1.example", .port = 6381}));
  EXPECT_EQ(redirection_of(error("MOVED 1 ?:6381"), from)->to, (Endpoint{.host = "shard-1.example", .port = 6381}));
}

TEST(ARedirection, IsNothingElse) {
  const Endpoint from{.host = "here", .port = 7000};
  for (const char* const text :
       {"MOVED", "MOVED ", "MOVED 1", "MOVED 1 ", "MOVED 16384 a:1", "MOVED -1 a:1", "MOVED 1 a",
        "MOVED 1 a:", "MOVED 1 a:0", "MOVED 1 a:65536", "MOVED 1 a:6379 more", "MOVED 1 a b:6379", "MOVED x a:1",
        "MOVED a:1 1", "MOVEDX 1 a:1", "ASKING 1 a:1", "CROSSSLOT Keys in request don't hash to the same slot",
        "MOVED 99999999999999999999 a:1"}) {
    EXPECT_FALSE(redirection_of(error(text), from)) << text;
  }
  EXPECT_FALSE(redirection_of({.kind = Reply::Kind::text, .text = "MOVED 1 a:1"}, from)) << "not an error";
}

TEST(Slots, AreNobodysUntilTheyAreAssignedAndAfterTheirServerIsForgotten) {
  Slots slots;
  EXPECT_EQ(slots.at(0), 0U);
  slots.assign(0, 1);
  slots.assign(16'383, 2);
  slots.assign(7, 1);
  slots.forget(1);
  EXPECT_EQ(slots.at(0), 0U);
  EXPECT_EQ(slots.at(7), 0U);
  EXPECT_EQ(slots.at(16'383), 2U);
}

}  // namespace
}  // namespace tenon::redis
