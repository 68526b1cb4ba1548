// The serializer of RFC 9651, section 4.1.
#include <gtest/gtest.h>

#include "encoding/structured_field.hpp"

namespace tenon::structured {
namespace {

using namespace std::string_literals;

Item item(BareItem value, Parameters parameters = {}) {
  return Item{.value = std::move(value), .parameters = std::move(parameters)};
}

TEST(SerializedItem, IsWrittenInItsOneFormOrNotAtAll) {
  struct Row {
    BareItem value;
    std::optional<std::string> text;
  };
  const Row rows[] = {
      {std::int64_t{0}, "0"},
      {std::int64_t{42}, "42"},
      {std::int64_t{-42}, "-42"},
      {std::int64_t{999'999'999'999'999}, "999999999999999"},
      {std::int64_t{-999'999'999'999'999}, "-999999999999999"},
      {std::int64_t{1'000'000'000'000'000}, std::nullopt},
      {std::int64_t{-1'000'000'000'000'000}, std::nullopt},
      {std::numeric_limits<std::int64_t>::min(), std::nullopt},

      {Decimal{0}, "0.0"},
      {Decimal{1}, "0.001"},
      {Decimal{-1}, "-0.001"},
      {Decimal{10}, "0.01"},
      {Decimal{500}, "0.5"},
      {Decimal{-500}, "-0.5"},
      {Decimal{1'000}, "1.0"},
      {Decimal{1'010}, "1.01"},
      {Decimal{1'230}, "1.23"},
      {Decimal{10'000}, "10.0"},
      {Decimal{999'999'999'999'999}, "999999999999.999"},
      {Decimal{-999'999'999'999'999}, "-999999999999.999"},
      {Decimal{1'000'000'000'000'000}, std::nullopt},
      {Decimal{-1'000'000'000'000'000}, std::nullopt},
      {Decimal{std::numeric_limits<std::int64_t>::min()}, std::nullopt},

      {""s, R"("")"},
      {"hello world"s, R"("hello world")"},
      {R"(quote " and \ slash)"s, R"("quote \" and \\ slash")"},
      {"\n"s, std::nullopt},
      {"\0"s, std::nullopt},
      {"\x7f"s, std::nullopt},
      {"f\xc3\xbc"s, std::nullopt},

      {Token{"foo123/456"}, "foo123/456"},
      {Token{"*"}, "*"},
      {Token{""}, std::nullopt},
      {Token{"1a"}, std::nullopt},
      {Token{"a b"}, std::nullopt},
      {Token{"a,b"}, std::nullopt},
      {Token{"a\r\nX: y"}, std::nullopt},

      {Bytes{""}, "::"},
      {Bytes{"hello"}, ":aGVsbG8=:"},
      {Bytes{"a"}, ":YQ==:"},
      {Bytes{"abc"}, ":YWJj:"},
      {Bytes{"\xff\xef\xff"}, ":/+//:"},
      {Bytes{"\0\0"s}, ":AAA=:"},

      {true, "?1"},
      {false, "?0"},

      {Date{0}, "@0"},
      {Date{-1}, "@-1"},
      {Date{1659578233}, "@1659578233"},
      {Date{1'000'000'000'000'000}, std::nullopt},

      {DisplayString{""}, R"(%"")"},
      {DisplayString{"f\xc3\xbc\xc3\xbc"}, R"(%"f%c3%bc%c3%bc")"},
      {DisplayString{"100% \"sure\" \\"}, R"(%"100%25 %22sure%22 \")"},
      {DisplayString{"\n\x7f"}, R"(%"%0a%7f")"},
      {DisplayString{"\xff"}, std::nullopt},
      {DisplayString{"\xed\xa0\x80"}, std::nullopt},
  };
  for (const auto& [value, text] : rows) {
    EXPECT_EQ(serialize(item(value)), text);
    if (text) {
      EXPECT_EQ(parse_item(*text), item(value)) << *text;
    }
  }
}

TEST(SerializedParameters, LeaveTrueUnsaid) {
  EXPECT_EQ(serialize(item(std::int64_t{1}, {{"a", true}, {"b", false}, {"c", Token{"x"}}, {"*d", "y"s}})),
            R"(1;a;b=?0;c=x;*d="y")");
  for (const char* key : {"", "A", "1", "a b", "a=", "\xc3\xa9", "-"}) {
    EXPECT_EQ(serialize(item(std::int64_t{1}, {{key, true}})), std::nullopt) << key;
  }
  EXPECT_EQ(serialize(item(std::int64_t{1}, {{"a", "\n"s}})), std::nullopt);
}

TEST(SerializedList, JoinsItemsAndInnerLists) {
  EXPECT_EQ(serialize(List{}), "");
  const InnerList inner{.items = {item("a"s), item(Token{"b"}, {{"x", std::int64_t{1}}})}, .parameters = {{"p", true}}};
  EXPECT_EQ(serialize(List{item(std::int64_t{1}), inner, InnerList{}, item(true)}), R"(1, ("a" b;x=1);p, (), ?1)");
  EXPECT_EQ(serialize(List{item(std::int64_t{1}), item(Token{""})}), std::nullopt);
  EXPECT_EQ(serialize(List{InnerList{.items = {item("\n"s)}, .parameters = {}}}), std::nullopt);
}

TEST(SerializedDictionary, JoinsNamedMembersAndLeavesTrueUnsaid) {
  EXPECT_EQ(serialize(Dictionary{}), "");
  EXPECT_EQ(serialize(Dictionary{{"a", item(true)},
                                 {"b", item(true, {{"x", false}})},
                                 {"c", item(false)},
                                 {"d", InnerList{.items = {item(std::int64_t{1})}, .parameters = {}}},
                                 {"e", item(Decimal{1500})}}),
            "a, b;x=?0, c=?0, d=(1), e=1.5");
  EXPECT_EQ(serialize(Dictionary{{"A", item(true)}}), std::nullopt);
  EXPECT_EQ(serialize(Dictionary{{"a", item("\x80"s)}}), std::nullopt);
}

TEST(SerializedField, WritesTheHeadersThatWeSend) {
  EXPECT_EQ(serialize(List{item("user"s, {{"q", std::int64_t{20}}, {"w", std::int64_t{60}}})}), R"("user";q=20;w=60)");
  EXPECT_EQ(serialize(List{item("user"s, {{"r", std::int64_t{19}}, {"t", std::int64_t{3}}})}), R"("user";r=19;t=3)");
}

}  // namespace
}  // namespace tenon::structured
