#include "encoding/query_string.hpp"

#include <gtest/gtest.h>

namespace tenon {
namespace {

using namespace std::string_literals;

TEST(PercentDecode, IsStrict) {
  struct Row {
    std::string text;
    std::optional<std::string> decoded;
  };
  const Row rows[] = {
      {"", ""},
      {"plain-Text_1.2~", "plain-Text_1.2~"},
      {"a%20b", "a b"},
      {"a+b", "a+b"},
      {"%2B%2b", "++"},
      {"%2F%3f%26%3D", "/?&="},
      {"%25", "%"},
      {"%2525", "%25"},
      {"%E2%82%AC", "\xe2\x82\xac"},
      {"%e2%82%ac", "\xe2\x82\xac"},
      {"%0d%0A", "\r\n"},
      {"\xe2\x82\xac", "\xe2\x82\xac"},
      {"%", std::nullopt},
      {"%2", std::nullopt},
      {"a%", std::nullopt},
      {"%%20", std::nullopt},
      {"%2g", std::nullopt},
      {"%g2", std::nullopt},
      {"% 20", std::nullopt},
      {"%+20", std::nullopt},
      {"%-1", std::nullopt},
      {"%0x", std::nullopt},
      {"%u0041", std::nullopt},
      {"%00", std::nullopt},
      {"a%00b", std::nullopt},
      {"\0"s, std::nullopt},
      {"%ff", std::nullopt},
      {"%c3", std::nullopt},
      {"%c3x", std::nullopt},
      {"%c0%af", std::nullopt},
      {"%ed%a0%80", std::nullopt},
      {"%f4%90%80%80", std::nullopt},
      {"\xff", std::nullopt},
  };
  for (const auto& [text, decoded] : rows) EXPECT_EQ(percent_decode(text), decoded) << text;
}

TEST(Query, GivesItsParametersInOrder) {
  struct Row {
    std::string query;
    std::optional<QueryParameters> parameters;
  };
  const Row rows[] = {
      {"", QueryParameters{}},
      {"a=1", {{{"a", "1"}}}},
      {"a=1&b=2", {{{"a", "1"}, {"b", "2"}}}},
      {"b=2&a=1", {{{"b", "2"}, {"a", "1"}}}},
      {"a=1&a=2", {{{"a", "1"}, {"a", "2"}}}},
      {"a", {{{"a", ""}}}},
      {"a=", {{{"a", ""}}}},
      {"=1", {{{"", "1"}}}},
      {"=", {{{"", ""}}}},
      {"a=b=c", {{{"a", "b=c"}}}},
      {"&", QueryParameters{}},
      {"a=1&&b=2&", {{{"a", "1"}, {"b", "2"}}}},
      {"a=x+y", {{{"a", "x y"}}}},
      {"x+y=a", {{{"x y", "a"}}}},
      {"a=x%2By", {{{"a", "x+y"}}}},
      {"a=x%20y+z", {{{"a", "x y z"}}}},
      {"a=%26b%3D2", {{{"a", "&b=2"}}}},
      {"a;b=1", {{{"a;b", "1"}}}},
      {"a=%E2%82%AC", {{{"a", "\xe2\x82\xac"}}}},
      {"a=%", std::nullopt},
      {"a=1&b=%zz", std::nullopt},
      {"%zz=1", std::nullopt},
      {"a=%00", std::nullopt},
      {"a=%ff", std::nullopt},
      {"a=%c3&b=%a9", std::nullopt},
      {"a=1&%", std::nullopt},
  };
  for (const auto& [query, parameters] : rows) EXPECT_EQ(parse_query(query), parameters) << query;
}

TEST(Query, MayHaveFiftyParametersAndNotOneMore) {
  const auto of = [](int count) {
    std::string query;
    for (int i = 0; i < count; ++i) query += "&p=1";
    return query;
  };
  EXPECT_EQ(parse_query(of(49))->size(), 49U);
  EXPECT_EQ(parse_query(of(50))->size(), 50U);
  EXPECT_EQ(parse_query(of(51)), std::nullopt);
  EXPECT_EQ(parse_query(of(2000)), std::nullopt);
  EXPECT_EQ(parse_query(of(50) + "&&&&"), parse_query(of(50)));
}

}  // namespace
}  // namespace tenon
