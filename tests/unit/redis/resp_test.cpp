#include "redis/resp.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace tenon::redis {
namespace {

using testing::HasSubstr;
using Kind = Reply::Kind;

std::vector<Reply> all_of(Reader& reader) {
  std::vector<Reply> replies;
  while (auto reply = reader.next()) replies.push_back(std::move(*reply));
  return replies;
}

TEST(RedisCommand, IsAnArrayOfBulkStrings) {
  std::string out = "before";
  append_command(out, std::vector<std::string_view>{"SET", std::string_view("a\0b\r\n", 5), ""});
  EXPECT_EQ(out, std::string("before*3\r\n$3\r\nSET\r\n$5\r\na\0b\r\n\r\n$0\r\n\r\n", 36));
  out.clear();
  append_command(out, std::vector<std::string_view>(100, "x"));  // more parts than usual
  EXPECT_THAT(out, testing::StartsWith("*100\r\n$1\r\nx\r\n"));
  EXPECT_EQ(out.size(), 6U + 700U);
}

TEST(RedisReader, ReadsEveryKindOfReplyHoweverTheBytesAreCut) {
  const std::string bytes =
      "+OK\r\n:-42\r\n$5\r\na\r\nbc\r\n$-1\r\n-OOM command not "
      "allowed\r\n*3\r\n:1\r\n*1\r\n$0\r\n\r\n$-1\r\n*0\r\n*-1\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    Reader reader;
    std::vector<Reply> replies;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      ASSERT_TRUE(reader.feed(std::string_view(bytes).substr(at, piece)));
      for (Reply& reply : all_of(reader)) replies.push_back(std::move(reply));
    }
    ASSERT_EQ(reader.error(), "");
    ASSERT_EQ(replies.size(), 8U) << piece;
    EXPECT_EQ(replies[0].text, "OK");
    EXPECT_EQ(replies[1].integer, -42);
    EXPECT_EQ(replies[2].text, "a\r\nbc");
    EXPECT_EQ(replies[3].kind, Kind::nil);
    EXPECT_EQ(replies[4].error_name(), "OOM");
    ASSERT_EQ(replies[5].elements.size(), 3U);
    EXPECT_EQ(replies[5].elements[0].integer, 1);
    EXPECT_EQ(replies[5].elements[1].elements.at(0).kind, Kind::text);
    EXPECT_EQ(replies[5].elements[2].kind, Kind::nil);
    EXPECT_EQ(replies[6].kind, Kind::array);
    EXPECT_EQ(replies[7].kind, Kind::nil);
  }
}

TEST(RedisReader, RefusesWhatIsNoReplyOrTooMuch) {
  const std::string too_long(limits::redis_reply_bytes_max + 1, 'x');
  struct {
    std::string bytes, told;
  } const rows[] = {
      {"HTTP/1.1 400 Bad Request\r\n", "Protocol error"},
      {"\x16\x03\x01", "Protocol error"},
      {"%1\r\n+a\r\n+b\r\n", "Protocol error"},  // RESP3, which nobody asked for
      {"*1025\r\n", "too many elements"},
      {"*2147483647\r\n", "too many elements"},
      {"*4294967297\r\n", "out of range"},
      {"*-2\r\n", "out of range"},
      {"*1\r\n*1000000000\r\n", "too many elements"},
      {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "nested"},
      {"$10000000\r\n" + too_long, "too long"},
      {"+" + too_long, "too long"},
      {"*1024\r\n$3\r\nabc\r\n$" + std::to_string(too_long.size() - 2) + "\r\n" + too_long.substr(2) + "\r\n",
       "too long"},
  };
  for (const auto& [bytes, told] : rows) {
    Reader reader;
    ASSERT_TRUE(reader.feed(bytes));
    EXPECT_EQ(reader.next(), std::nullopt) << bytes.substr(0, 20);
    EXPECT_THAT(std::string(reader.error()), HasSubstr(told)) << bytes.substr(0, 20);
  }
}

TEST(RedisReader, TakesManyRepliesThatTogetherAreLongerThanOneMayBe) {
  Reader reader;
  std::string bytes;
  for (int i = 0; i < 20'000; ++i) bytes += ":1234567\r\n";
  ASSERT_TRUE(reader.feed(bytes));
  EXPECT_EQ(all_of(reader).size(), 20'000U);
  EXPECT_EQ(reader.error(), "");
}

}  // namespace
}  // namespace tenon::redis
