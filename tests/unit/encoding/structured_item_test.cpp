// The parser of RFC 9651, bare items: the RFC's examples, and what must be refused. What an accepted text means is
// shown by its canonical form, and by value where the type matters.
#include <gtest/gtest.h>

#include "unit/encoding/structured_table.hpp"

namespace tenon::structured {
namespace {

using namespace std::string_literals;

TEST(StructuredItem, HasTheTypeItsFirstCharacterSays) {
  EXPECT_EQ(parse_item("5")->value, BareItem(std::int64_t{5}));
  EXPECT_EQ(parse_item("-5")->value, BareItem(std::int64_t{-5}));
  EXPECT_EQ(parse_item("4.5")->value, BareItem(Decimal{4500}));
  EXPECT_EQ(parse_item("5.0")->value, BareItem(Decimal{5000}));
  EXPECT_EQ(parse_item(R"("hello world")")->value, BareItem("hello world"s));
  EXPECT_EQ(parse_item("foo123/456")->value, BareItem(Token{"foo123/456"}));
  EXPECT_EQ(parse_item(":cHJldGVuZCB0aGlzIGlzIGJpbmFyeSBjb250ZW50Lg==:")->value,
            BareItem(Bytes{"pretend this is binary content."}));
  EXPECT_EQ(parse_item("?1")->value, BareItem(true));
  EXPECT_EQ(parse_item("?0")->value, BareItem(false));
  EXPECT_EQ(parse_item("@1659578233")->value, BareItem(Date{1659578233}));
  EXPECT_EQ(parse_item("%\"This is intended for display to %c3%bcsers.\"")->value,
            BareItem(DisplayString{"This is intended for display to \xc3\xbcsers."}));
}

TEST(StructuredItem, TakesSpacesAroundItAndNothingElse) {
  const Row rows[] = {
      {"5", "5"},        {"  5  ", "5"},        {"5; foo=bar", "5;foo=bar"},
      {"", refused},     {" ", refused},        {"\t5", refused},
      {"5\t", refused},  {"5,", refused},       {"5, 6", refused},
      {"5 6", refused},  {"(5)", refused},      {"5\n", refused},
      {"5\0"s, refused}, {"\xc3\xa9", refused}, {"=", refused},
      {"{}", refused},   {"'a'", refused},
  };
  expect(Type::item, rows);
}

TEST(StructuredInteger, HasUpToFifteenDigits) {
  const Row rows[] = {
      {"0", "0"},
      {"00", "0"},
      {"-0", "0"},
      {"042", "42"},
      {"-042", "-42"},
      {"999999999999999", "999999999999999"},
      {"-999999999999999", "-999999999999999"},
      {"000000000000001", "1"},
      {"1000000000000000", refused},
      {"-1000000000000000", refused},
      {"0000000000000001", refused},
      {"9223372036854775808", refused},
      {"-", refused},
      {"--1", refused},
      {"- 1", refused},
      {"-a", refused},
      {"+1", refused},
      {"1e5", refused},
      {"4-2", refused},
      {"0x10", refused},
      {"1_000", refused},
  };
  expect(Type::item, rows);
}

TEST(StructuredDecimal, HasUpToTwelveDigitsAndThreeOfFraction) {
  const Row rows[] = {
      {"1.5", "1.5"},
      {"-1.50", "-1.5"},
      {"1.0", "1.0"},
      {"1.000", "1.0"},
      {"0.001", "0.001"},
      {"-0.001", "-0.001"},
      {"-0.0", "0.0"},
      {"00.10", "0.1"},
      {"999999999999.999", "999999999999.999"},
      {"-999999999999.999", "-999999999999.999"},
      {"1000000000000.0", refused},
      {"0000000000001.0", refused},
      {"1.0000", refused},
      {"1.2345", refused},
      {"1.", refused},
      {"-1.", refused},
      {".5", refused},
      {"-.5", refused},
      {"1..5", refused},
      {"1.5.4", refused},
      {"1.-5", refused},
      {"1. 5", refused},
      {"1.5e3", refused},
  };
  expect(Type::item, rows);
}

TEST(StructuredString, IsPrintableAsciiWithTwoEscapes) {
  const Row rows[] = {
      {R"("")", R"("")"},
      {R"("foo bar")", R"("foo bar")"},
      {R"("b\"a\\r")", R"("b\"a\\r")"},
      {"\"a,b;c=(d)\"", "\"a,b;c=(d)\""},
      {R"("It was the best of times.")", R"("It was the best of times.")"},
      {"\" ~\"", "\" ~\""},
      {R"(")", refused},
      {R"("foo)", refused},
      {R"("foo\)", refused},
      {R"("foo\")", refused},
      {R"("\n")", refused},
      {R"("\u0041")", refused},
      {R"("\')", refused},
      {R"("a"b")", refused},
      {R"("a" "b")", refused},
      {"\"\t\"", refused},
      {"\"\n\"", refused},
      {"\"\0\""s, refused},
      {"\"\x7f\"", refused},
      {"\"\x1f\"", refused},
      {"\"f\xc3\xbc\"", refused},
      {"'foo'", refused},
  };
  expect(Type::item, rows);
}

TEST(StructuredToken, BeginsWithALetterOrAStar) {
  const Row rows[] = {
      {"a", "a"},
      {"A", "A"},
      {"*", "*"},
      {"*a", "*a"},
      {"text/html", "text/html"},
      {"a:b/c", "a:b/c"},
      {"a_b-c3.d:f%00/*", "a_b-c3.d:f%00/*"},
      {"a!#$%&'*+-.^_`|~:/9", "a!#$%&'*+-.^_`|~:/9"},
      {"_a", refused},
      {"!a", refused},
      {"/a", refused},
      {"a\"b", refused},
      {"a(b", refused},
      {"a{b", refused},
      {"a\\b", refused},
      {"a@b", refused},
      {"a\xc3\xa9", refused},
  };
  expect(Type::item, rows);
  EXPECT_EQ(parse_item("1a"), std::nullopt);
}

TEST(StructuredBytes, AreBase64InItsOneSpelling) {
  const Row rows[] = {
      {"::", "::"},
      {":aGVsbG8=:", ":aGVsbG8=:"},
      {":AA==:", ":AA==:"},
      {":/+Ah:", ":/+Ah:"},
      {":////:", ":////:"},
      {":", refused},
      {":aGVsbG8=", refused},
      {":aGVsbG8:", refused},
      {":aGVsbG8==:", refused},
      {":aGVsbG8=:=", refused},
      {":=:", refused},
      {":==:", refused},
      {":====:", refused},
      {":A===:", refused},
      {":aGVs====:", refused},
      {":a=Vs:", refused},
      {":iZ==:", refused},
      {":aGVsbG9=:", refused},
      {":aGVs bG8=:", refused},
      {": aGVsbG8=:", refused},
      {":aGVsb\nG8=:", refused},
      {":_-Ah:", refused},
      {":aGVs!G8=:", refused},
      {":aGVsb\xc3\xa9=:", refused},
      {":\0AA=:"s, refused},
      {"*aGVsbG8=*", refused},
  };
  expect(Type::item, rows);
}

TEST(StructuredBoolean, IsZeroOrOne) {
  const Row rows[] = {
      {"?1", "?1"},     {"?0", "?0"},    {"?", refused},   {"?2", refused},    {"??1", refused},
      {"?01", refused}, {"?T", refused}, {"?-0", refused}, {"?true", refused}, {"? 1", refused},
  };
  expect(Type::item, rows);
  EXPECT_EQ(parse_item("true")->value, BareItem(Token{"true"}));
}

TEST(StructuredDate, IsAnIntegerOfSeconds) {
  const Row rows[] = {
      {"@0", "@0"},
      {"@1659578233", "@1659578233"},
      {"@-1659578233", "@-1659578233"},
      {"@-62135596800", "@-62135596800"},
      {"@253402214400", "@253402214400"},
      {"@999999999999999", "@999999999999999"},
      {"@", refused},
      {"@-", refused},
      {"@ 1", refused},
      {"@1.5", refused},
      {"@1.0", refused},
      {"@1000000000000000", refused},
      {"@@1", refused},
      {"@a", refused},
      {"@\"1\"", refused},
      {"@+1", refused},
  };
  expect(Type::item, rows);
}

TEST(StructuredDisplayString, IsUtf8InLowerCaseEscapes) {
  const Row rows[] = {
      {R"(%"")", R"(%"")"},
      {R"(%"foo bar")", R"(%"foo bar")"},
      {R"(%"f%c3%bc%c3%bc")", R"(%"f%c3%bc%c3%bc")"},
      {R"(%"foo %22bar%22 \ baz")", R"(%"foo %22bar%22 \ baz")"},
      {R"(%"100%25")", R"(%"100%25")"},
      {R"(%"%61")", R"(%"a")"},
      {R"(%"%00%0a")", R"(%"%00%0a")"},
      {R"(%"BOM: %ef%bb%bf")", R"(%"BOM: %ef%bb%bf")"},
      {R"(%"%f0%9f%98%80")", R"(%"%f0%9f%98%80")"},
      {R"(%)", refused},
      {R"(%")", refused},
      {R"(%"foo)", refused},
      {R"(%foo")", refused},
      {R"(%'foo')", refused},
      {R"(% "foo")", refused},
      {R"(%"%)", refused},
      {R"(%"%a)", refused},
      {R"(%"%a")", refused},
      {R"(%"%")", refused},
      {R"(%"%g0")", refused},
      {R"(%"f%C3%BC")", refused},
      {R"(%"f%c3%BC")", refused},
      {R"(%"a"b")", refused},
      {R"(%"%c3%28")", refused},
      {R"(%"%a0%a1")", refused},
      {R"(%"%e2%28%a1")", refused},
      {R"(%"%e2%82")", refused},
      {R"(%"%f0%28%8c%28")", refused},
      {R"(%"%c0%80")", refused},
      {R"(%"%ed%a0%80")", refused},
      {R"(%"%ff")", refused},
      {"%\"\t\"", refused},
      {"%\"\n\"", refused},
      {"%\"\x7f\"", refused},
      {"%\"f\xc3\xbc\"", refused},
  };
  expect(Type::item, rows);
}

}  // namespace
}  // namespace tenon::structured
